"""When two spellings are the same word: width and compatibility forms, case, traditional characters."""

import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import opencc
import regex

_HAN = regex.compile(r"\p{Script=Han}")
_SPACES = regex.compile(r"[\s_]+")


def normalise(text: str) -> str:
    """Fold a word: NFKC, case, one space for white space and `_`, traditional characters to simplified ones."""
    return normalise_all([text])[0]


def normalise_all(texts: Iterable[str]) -> list[str]:
    """Fold many words at once, in their order; texts must not hold line feeds (they count as spaces)."""
    folded = [_SPACES.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip() for text in texts]
    han = [place for place, text in enumerate(folded) if _HAN.search(text)]
    if han:
        simplified = _simplifier().convert("\n".join(folded[place] for place in han)).split("\n")
        for place, text in zip(han, simplified, strict=True):
            folded[place] = text
    return folded


@lru_cache(maxsize=1)
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")
