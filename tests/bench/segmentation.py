"""Boundaries of English morphemes against a list of segmented words: precision, recall and F1.

    python -m tests.bench.segmentation [--dictionary PATH] [--half odd]

Only words whose morphemes, written one behind the other, are the word are counted. Costs were chosen on the even lines
of the list; the odd ones are for reporting.
"""

import argparse
import gzip
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from see_kb.alignment.align import Aligner
from see_kb.alignment.segment import Costs
from see_kb.sources.door import read_lexicons, read_morphemes
from tests.shared_data import HOWNET, SEGMENTATION


def read_gold(half: str | None = None) -> dict[str, frozenset[int]]:
    """Read the words with the places of their inner boundaries; `half` is `even` or `odd` lines."""
    gold = {}
    lines = gzip.decompress(SEGMENTATION.read_bytes()).decode().splitlines()
    for number, line in enumerate(lines):
        word, morphemes, _ = line.split("\t")
        parts = [part.removeprefix("@@") for part in morphemes.split(" ")]
        if half in (None, ("even", "odd")[number % 2]) and "".join(parts) == word and word.isascii() and word.isalpha():
            ends = [len("".join(parts[: place + 1])) for place in range(len(parts) - 1)]
            gold[word.casefold()] = frozenset(ends)
    return gold


def score(gold: dict[str, frozenset[int]], predict: Callable[[str], Iterable[int]]) -> dict[str, float]:
    """Compare predicted inner boundaries with the right ones, over all words together."""
    found = right = wanted = 0
    for word, boundaries in gold.items():
        predicted = frozenset(predict(word))
        found += len(predicted)
        wanted += len(boundaries)
        right += len(predicted & boundaries)
    precision, recall = right / max(found, 1), right / max(wanted, 1)
    f1 = 2 * precision * recall / max(precision + recall, 1e-9)
    return {"words": len(gold), "precision": round(precision, 4), "recall": round(recall, 4), "f1": round(f1, 4)}


def main() -> None:
    """Print the figures as JSON."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--dictionary", type=Path, action="append", help="default: HowNet.txt and the bundled lexicon")
    options.add_argument("--half", choices=("even", "odd"), default="odd")
    chosen = options.parse_args()
    lexicon = read_lexicons(chosen.dictionary or [HOWNET, Path("bundled")])
    segmenter = Aligner(lexicon, read_morphemes()).segmenter
    result = score(
        read_gold(chosen.half), lambda word: (part.start for part in segmenter.segment(word, unknown_stems=True)[1:])
    )
    print(json.dumps({**result, "costs": vars(Costs()), "dictionary": lexicon.name}, indent=2))  # noqa: T201


if __name__ == "__main__":
    main()
