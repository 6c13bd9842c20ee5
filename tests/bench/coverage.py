"""Coverage of real vocabularies, on samples read by eye (tests/golden), and precision of decompositions.

python -m tests.bench.coverage [--dictionary PATH …]
"""

import argparse
import csv
import json
from pathlib import Path

from see_kb.alignment.align import Aligner, Alignment
from see_kb.sources.bundled import BUNDLED
from see_kb.sources.door import read_lexicons, read_morphemes
from see_kb.vocabulary.reader import read_vocabulary
from tests.shared_data import HOWNET, ROOT, TOKENIZERS

GOLDEN = ROOT / "tests" / "golden"
NAMES = {"mistral": TOKENIZERS[0], "opus": TOKENIZERS[1], "wordpiece": TOKENIZERS[4]}
"""The tokenizers of the samples."""


def read_golden(name: str) -> list[dict[str, str]]:
    """Read a sample with its verdicts."""
    with (GOLDEN / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def measure(alignments: dict[str, dict[str, Alignment]]) -> dict[str, object]:
    """Sum up alignments, by tokenizer and piece."""
    english = [row for row in read_golden("latin_pieces.tsv") if row["verdict"] == "english"]
    covered = [row for row in english if alignments[row["tokenizer"]][row["piece"]].rule != "none"]
    judged = read_golden("decompositions.tsv")
    made = {id(row): alignments[row["tokenizer"]][row["piece"]] for row in judged}
    as_judged = [row for row in judged if row["parts"] == " + ".join(match.form for match in made[id(row)].matches)]
    right = [row for row in as_judged if row["verdict"] == "right"]
    han = {
        name: [alignment.rule != "none" for alignment in found.values() if alignment.script == "Han"]
        for name, found in alignments.items()
    }
    return {
        "english_pieces": len(english),
        "english_share": round(len(covered) / len(english), 4),
        "han_share": {name: round(sum(flags) / len(flags), 4) for name, flags in han.items()},
        "decompositions": len(as_judged),
        "precision": round(len(right) / max(len(as_judged), 1), 4),
    }


def align_all(dictionaries: list[Path]) -> dict[str, dict[str, Alignment]]:
    """Align the tokenizers of the samples; by tokenizer and piece."""
    aligner = Aligner(read_lexicons(dictionaries), read_morphemes())
    pieces = {name: read_vocabulary(path).pieces for name, path in NAMES.items()}
    return {name: {found.piece.piece: found for found in aligner.align(listed)} for name, listed in pieces.items()}


def main() -> None:
    """Print the figures as JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dictionary", type=Path, action="append", help="default: HowNet.txt and the bundled lexicon")
    chosen = options.parse_args()
    print(json.dumps(measure(align_all(chosen.dictionary or [HOWNET, Path(BUNDLED)])), indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
