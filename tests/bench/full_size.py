"""A build at the size of the full HowNet: 238,000 senses, made of the staged ones under new words.

python -m tests.bench.full_size [--tokenizer PATH]
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from see_kb.sources.door import read_lexicon
from tests.shared_data import HOWNET, TOKENIZERS

N_SENSES = 238_000
MEASURED = """
import json, re, sys, time
from pathlib import Path
start = time.perf_counter()
from pipelines.build import BuildInputs, build_tables
build_tables(BuildInputs((Path(sys.argv[1]),), Path(sys.argv[2])), Path(sys.argv[3]))
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": round(time.perf_counter() - start, 1), "megabytes": round(peak)}))
"""


def write_dictionary(path: Path) -> None:
    """Write the senses in HowNet's format until there are `N_SENSES`, the words of each round with a number behind."""
    senses = read_lexicon(HOWNET).senses
    with path.open("w", encoding="utf-8") as file:
        for number in range(N_SENSES):
            sense, around = senses[number % len(senses)], number // len(senses)
            mark = str(around) if around else ""
            zh, en = (re.sub("(?<=.)$", mark, word) for word in (sense.zh_word, sense.en_word))
            file.write(f"NO.={number:06}\nW_C={zh}\nG_C={sense.zh_pos}\nW_E={en}\nG_E={sense.en_pos}\n")
            file.write(f"DEF={sense.definition}\n\n")


def main() -> None:
    """Print the seconds and the peak memory of one build, imports included."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--tokenizer", type=Path, default=TOKENIZERS[0])
    tokenizer = options.parse_args().tokenizer
    with tempfile.TemporaryDirectory() as place:
        dictionary = Path(place) / "large.txt"
        write_dictionary(dictionary)
        command = [sys.executable, "-c", MEASURED, str(dictionary), str(tokenizer), str(Path(place) / "tables")]
        figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        tables = json.loads((Path(place) / "tables" / "manifest.json").read_text(encoding="utf-8"))["tables"]
    print(json.dumps({"senses": tables["senses"]["rows"], **figures}))  # noqa: T201


if __name__ == "__main__":
    main()
