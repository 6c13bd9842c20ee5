"""Which writing system a text is in, by Unicode's script property."""

from functools import lru_cache

import regex

SCRIPTS = (
    "Latin",
    "Han",
    "Cyrillic",
    "Greek",
    "Arabic",
    "Hebrew",
    "Hiragana",
    "Katakana",
    "Hangul",
    "Devanagari",
    "Bengali",
    "Tamil",
    "Telugu",
    "Thai",
    "Georgian",
    "Armenian",
)
"""Scripts that are told apart; letters of any other one count as `Other`."""

UNSPACED = frozenset({"Han", "Hiragana", "Katakana", "Thai"})
"""Those that put no spaces between words."""

_LETTER = regex.compile(
    "|".join(rf"(?P<{script}>[\p{{Script={script}}}--[\p{{N}}]])" for script in SCRIPTS)
    # Marks and modifiers that many scripts share take the script of their neighbours.
    + r"|(?P<Other>[[\p{L}\p{M}]--[\p{Script=Inherited}]--[\p{Script=Common}&&[\p{Lm}\p{M}]]])",
    regex.VERSION1,
)
_DIGIT = regex.compile(r"\p{N}")


@lru_cache(maxsize=65_536)
def script_of(text: str) -> str:
    """Name the script of a text's letters: one of `SCRIPTS`, `Other`, `Mixed` for several, `Common` for no letter."""
    found = {match.lastgroup for match in _LETTER.finditer(text)}
    if not found:
        return "Common"
    return str(found.pop()) if len(found) == 1 else "Mixed"


def has_digit(text: str) -> bool:
    """Tell whether a text holds a digit or another sign of number."""
    return _DIGIT.search(text) is not None
