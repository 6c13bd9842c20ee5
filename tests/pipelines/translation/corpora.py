"""A corpus small enough for a test: made-up words of which each has one translation, in the same order."""

import random
from pathlib import Path

SIZES = {"train": 300, "val": 20, "test_2016_flickr": 20}
ENGLISH = ("man", "dog", "house", "doctor", "car", "fire", "and", "breaks", "red", "old", "happy", "woman", "tree")


def word(rng: random.Random) -> str:
    return "".join(rng.choice("bdfgklmnrst") + rng.choice("aeiou") for _ in range(rng.randint(2, 4)))


def write_corpora(folder: Path) -> Path:
    """Write a folder as the benchmark reads it."""
    rng = random.Random(0)
    words = {word(rng): english for english in [*ENGLISH, *(word(rng) for _ in range(60))]}
    (folder / "multi30k").mkdir(parents=True)
    for part, n in SIZES.items():
        sources = [rng.choices(list(words), k=rng.randint(3, 8)) for _ in range(n)]
        targets = [[words[one] for one in source] for source in sources]
        for code, lines in (("de", sources), ("en", targets)):
            text = "".join(f"{' '.join(line)} .\n" for line in lines)
            (folder / "multi30k" / f"{part}.{code}").write_text(text, encoding="utf-8")
    return folder
