"""Chinese characters by their radical: the part that tells, in most rare characters, what kind of thing is meant.

Unicode sorts the block of unified ideographs (U+4E00 to U+9FA5) by the 214 radicals of the Kangxi dictionary, each
radical itself before the characters that have it; and its block of Kangxi radicals names those in their order. The two
together give a character's radical, without further data.
"""

import unicodedata
from bisect import bisect_right

_FIRST, _LAST = "\u4e00", "\u9fa5"
_RADICALS = [unicodedata.normalize("NFKC", chr(0x2F00 + number)) for number in range(214)]


def radical_of(character: str) -> str | None:
    """Give the radical of a character, as a character of its own (traditional: `魚` for `鲃`); None for any other text.

    A character that is a radical itself has none.
    """
    if len(character) != 1 or not _FIRST <= character <= _LAST:
        return None
    radical = _RADICALS[bisect_right(_RADICALS, character) - 1]
    return None if radical == character else radical
