"""When two spellings are the same word: named steps, in their order, and which of them changed a text.

| step | what it does |
|---|---|
| `width` | compatibility forms to plain ones (NFKC): `Ａ` to `A`, `ﬁ` to `fi` |
| `case` | upper to lower case: `ß` to `ss` |
| `space` | white space and `_` to one space, none at the ends |
| `apostrophe` | curly apostrophes to the straight one |
| `simplified` | traditional Chinese characters to simplified ones (OpenCC) |

`accents` comes after them and is no part of `normalise`: it is tried where a word is not found with its accents.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import opencc
import regex

_HAN = regex.compile(r"\p{Script=Han}")
_SPACES = regex.compile(r"[\s_]+")
_APOSTROPHES = regex.compile("[\u2018\u2019\u02bc\uff07]")
_ACCENTED = regex.compile(r"(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+")


@dataclass(frozen=True, slots=True)
class Folded:
    """A text as it is compared, and the names of the steps that changed it, in their order."""

    text: str
    steps: tuple[str, ...] = ()


def normalise(text: str) -> str:
    """Fold a word by all steps but `accents`."""
    return normalise_all([text])[0]


def normalise_all(texts: Iterable[str]) -> list[str]:
    """Fold many words at once, in their order; line feeds count as spaces."""
    return [folded.text for folded in fold_all(texts)]


def fold_all(texts: Iterable[str]) -> list[Folded]:
    """Fold many words at once, in their order, and say which steps changed each."""
    current = list(texts)
    steps: list[tuple[str, ...]] = [()] * len(current)
    for name, step in STEPS.items():
        folded = step(current)
        for place, (before, after) in enumerate(zip(current, folded, strict=True)):
            if before != after:
                steps[place] += (name,)
        current = folded
    return [Folded(*pair) for pair in zip(current, steps, strict=True)]


def strip_accents(text: str) -> str:
    """Take accents off Latin, Greek and Cyrillic letters; other scripts' marks are letters of their own."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFC", _ACCENTED.sub("", unicodedata.normalize("NFD", text)))


def _simplify(texts: Sequence[str]) -> list[str]:
    simplified = list(texts)
    han = [place for place, text in enumerate(texts) if _HAN.search(text)]
    if han:  # one call: the converter's own cost is a hundred times that of a word
        converted = _simplifier().convert("\n".join(texts[place] for place in han)).split("\n")
        for place, text in zip(han, converted, strict=True):
            simplified[place] = text
    return simplified


@lru_cache(maxsize=1)
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def _each(step: Callable[[str], str]) -> Callable[[Sequence[str]], list[str]]:
    return lambda texts: [step(text) for text in texts]


STEPS: dict[str, Callable[[Sequence[str]], list[str]]] = {
    "width": _each(lambda text: unicodedata.normalize("NFKC", text)),
    "case": _each(str.casefold),
    "space": _each(lambda text: _SPACES.sub(" ", text).strip()),
    "apostrophe": _each(lambda text: _APOSTROPHES.sub("'", text)),
    "simplified": _simplify,
}
"""The steps by name, in the order in which they are taken."""
