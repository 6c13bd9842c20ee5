"""OpenHowNet and this project side by side on the same senses, each job in a process of its own, in turn.

    python -m tests.bench.openhownet [--runs 3] [--out FILE.json]

Jobs: the first answer after the start (imports included), a thousand lookups of words, a parse of all definitions into
trees, the nearest words of one word; each with the peak memory of its process. OpenHowNet 2.0 takes the trees and the
table of sememe similarities for nearest words from files that are part of its download; here they are made from the
same senses before the clock starts (a tree for each sense, `head` as in see_kb.knowledge.openhownet_similarity), and
their memory counts, as it does in OpenHowNet. Nearest words are then OpenHowNet's own code, untouched.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.shared_data import RESOURCES, ROOT

START = "import time; start = time.perf_counter()\n"
END = r"""
import json, re, sys
peak = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
print(json.dumps({"seconds": seconds, "megabytes": peak, "answer": str(answer)[:200]}), file=sys.stderr)
"""

OPEN_OURS = """
from see_kb.knowledge.base import open_knowledge_base
kb = open_knowledge_base(TABLES)
"""
OPEN_THEIRS = """
import OpenHowNet
kb = OpenHowNet.HowNetDict()
"""
THOUSAND = """
import json
words = json.load(open(WORDS))
"""
THEIR_SIMILARITY = """
import itertools
from see_kb.knowledge.openhownet_similarity import OpenHowNetSimilarity
related = ((s, r, found) for s in kb.sememe_dic.values() for r, found in s.related_sememes.items())
triples = [(s.en_zh, r, other.en_zh) for s, r, found in related for other in found]
formula = OpenHowNetSimilarity(triples)
trees = ((number, sense.get_sememe_tree(return_node=True)) for number, sense in kb.sense_dic.items())
kb.sense_tree_dic = {number: tree.children[0] for number, tree in trees}
names = {node.name for tree in kb.sense_tree_dic.values() for node in (tree, *tree.descendants)}
shown = {name: getattr(name, "en_zh", name) for name in names}
class Table(dict):
    def __contains__(self, key): return True
    def __missing__(self, key):
        value = self[key] = formula._head(shown[key[0]], shown[key[1]])
        return value
kb.sememe_sim_table, kb.sense_syn_dic = Table(), {}
"""

JOBS = {
    "first answer": (
        START + OPEN_OURS + 'answer = kb.senses(["doctor"])[0][0].definition\nseconds = time.perf_counter() - start',
        START + OPEN_THEIRS + 'answer = kb.get_sense("doctor")[0].Def\nseconds = time.perf_counter() - start',
    ),
    "a thousand lookups": (
        OPEN_OURS
        + THOUSAND
        + "kb.senses(words)\n"
        + START
        + "answer = len(kb.senses(words))\nseconds = time.perf_counter() - start",
        OPEN_THEIRS
        + THOUSAND
        + "[kb.get_sense(word) for word in words]\n"
        + START
        + "answer = len([kb.get_sense(word) for word in words])\nseconds = time.perf_counter() - start",
    ),
    "a thousand lookups, every sense read": (
        OPEN_OURS
        + THOUSAND
        + START
        + "answer = sum(len(s.definition) for found in kb.senses(words) for s in found)\n"
        + "seconds = time.perf_counter() - start",
        OPEN_THEIRS
        + THOUSAND
        + START
        + "answer = sum(len(s.Def) for word in words for s in kb.get_sense(word))\n"
        + "seconds = time.perf_counter() - start",
    ),
    "a parse of all definitions": (
        OPEN_OURS
        + "from see_kb.kdml import parse_definition\n"
        + START
        + "texts, places = kb.definitions()\ntrees = [parse_definition(text) for text in texts]\n"
        + "answer = len([trees[place] for place in places])\nseconds = time.perf_counter() - start",
        OPEN_THEIRS
        + START
        + "answer = len([s.get_sememe_tree(return_node=True) for s in kb.sense_dic.values()])\n"
        + "seconds = time.perf_counter() - start",
    ),
    "nearest words": (
        OPEN_OURS
        + 'kb.nearest(["nurse"])\n'
        + START
        + 'answer = kb.nearest(["doctor"], 10, "en")\nseconds = time.perf_counter() - start',
        OPEN_THEIRS
        + THEIR_SIMILARITY
        + START
        + 'answer = kb.get_nearest_words("doctor", language="en", merge=True, K=10)\n'
        + "seconds = time.perf_counter() - start",
    ),
}
"""By name: our code and OpenHowNet's; `seconds` and `answer` are what is reported."""


def run(code: str, home: Path, tables: Path) -> dict[str, float]:
    """Run a job in a process of its own; gives its seconds, peak megabytes and answer."""
    process = subprocess.run(
        [sys.executable, "-c", f"TABLES, WORDS = {str(tables)!r}, {str(tables / 'words.json')!r}\n{code}\n{END}"],
        env={**os.environ, "HOME": str(home), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stderr.strip().splitlines()[-1])


def main() -> None:
    """Print a table of medians, and write all runs as JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--out", type=Path)
    chosen = options.parse_args()
    from pipelines.build import BuildInputs, build_tables
    from see_kb.knowledge.base import open_knowledge_base

    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        (home / ".openhownet").mkdir(parents=True)
        (home / ".openhownet" / "resources").symlink_to(RESOURCES)
        inputs = BuildInputs((RESOURCES,), taxonomy=RESOURCES, only=True)
        tables = build_tables(inputs, Path(place) / "tables").folder
        words = open_knowledge_base(tables).words()
        (tables / "words.json").write_text(json.dumps(random.Random(0).sample(words, 1000)))
        results = {}
        for name, codes in JOBS.items():
            pairs = [[run(code, home, tables) for code in codes] for _ in range(chosen.runs)]
            results[name] = pairs
            ours, theirs = ([pair[side]["seconds"] for pair in pairs] for side in (0, 1))
            memory = [statistics.median(pair[side]["megabytes"] for pair in pairs) for side in (0, 1)]
            ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
            print(  # noqa: T201
                f"{name:38} ours {statistics.median(ours) * 1e3:10.2f} ms {memory[0]:6.0f} MB   "
                f"OpenHowNet {statistics.median(theirs) * 1e3:10.2f} ms {memory[1]:6.0f} MB   "
                f"{ratio:7.1f} times faster, {memory[0] / memory[1]:.2f} of its memory",
                flush=True,
            )
    if chosen.out:
        chosen.out.write_text(json.dumps(results, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
