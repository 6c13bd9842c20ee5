"""English words in other shapes than a dictionary's: inflected, contracted, spelled the British or American way."""

import regex
import simplemma

MIN_INFLECTED = 3
"""Letters that an inflected form needs."""

_WORD = regex.compile(r"[a-z]+")
_CONTRACTION = regex.compile(r"([a-z]+)(?:n't|'(?:s|re|m|ve|ll|d|all|em))|([a-z]+s)'")
_IRREGULAR = {"can't": "can", "won't": "will", "shan't": "shall", "ain't": "be", "y'all": "you", "'cause": "because"}
_OWN_LEMMAS = {"is": "be", "am": "be", "was": "be", "has": "have", "an": "a"}
"""Inflected forms that the library of lemmas leaves alone."""

_ENDINGS = (
    ("isation", "ization"),
    ("ising", "izing"),
    ("ised", "ized"),
    ("ises", "izes"),
    ("iser", "izer"),
    ("ise", "ize"),
    ("yse", "yze"),
    ("ysed", "yzed"),
    ("our", "or"),
    ("oured", "ored"),
    ("ouring", "oring"),
    ("ours", "ors"),
    ("oural", "oral"),
    ("ourite", "orite"),
    ("tre", "ter"),
    ("tres", "ters"),
    ("ogue", "og"),
    ("ence", "ense"),
    ("lled", "led"),
    ("lling", "ling"),
    ("ller", "ler"),
    ("amme", "am"),
)
"""British endings and the American ones that stand for them."""


def english_lemma(text: str) -> str | None:
    """Give the dictionary form of an inflected or contracted English word (folded text), or None if there is none."""
    if (base := _contracted(text)) is not None:
        return english_lemma(base) or base
    if text in _OWN_LEMMAS:
        return _OWN_LEMMAS[text]
    if len(text) < MIN_INFLECTED or not _WORD.fullmatch(text):
        return None
    lemma = simplemma.lemmatize(text, lang="en").casefold()
    return lemma if lemma != text else None


def spelling_variants(text: str) -> tuple[str, ...]:
    """Give a word as it would be spelled on the other side of the Atlantic; most results are no words at all."""
    pairs = (*_ENDINGS, *((american, british) for british, american in _ENDINGS))
    return tuple(
        text.removesuffix(ending) + other
        for ending, other in pairs
        if text.endswith(ending) and len(text) > len(ending) + 2
    )


def _contracted(text: str) -> str | None:
    """The word before a clitic: `don't` is `do`, `children's` is `children`."""
    if text in _IRREGULAR:
        return _IRREGULAR[text]
    match = _CONTRACTION.fullmatch(text)
    return (match[1] or match[2]) if match else None
