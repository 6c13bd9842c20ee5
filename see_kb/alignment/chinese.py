"""Chinese text into known words, and into characters where no word is known."""

from collections.abc import Callable, Collection

from see_kb.alignment.segment import Part, Role

Known = Callable[[str], bool]

MAX_CHARACTERS = 24
"""Characters up to which a Chinese text is segmented; the longest one of four vocabularies has 16."""


def cover(text: str, known: Known, characters: Collection[str]) -> tuple[Part, ...]:
    """Cover a Chinese text with the fewest parts, each a known word but not the text itself, or a known character.

    Of coverings with equally many parts, the one with fewer characters that are no words, then the one with the longer
    last part; empty if there is none.
    """
    if not 2 <= len(text) <= MAX_CHARACTERS:
        return ()
    best: list[tuple[int, int, tuple[Part, ...]] | None] = [(0, 0, ()), *[None] * len(text)]
    for end in range(1, len(text) + 1):
        for start in range(end):
            before, current = best[start], best[end]
            role = _role(text[start:end], known, characters) if end - start < len(text) else None
            if before is None or role is None:
                continue
            counts = (before[0] + 1, before[1] + (role == "character"))
            if current is None or counts < current[:2]:
                best[end] = (*counts, (*before[2], Part(start, end, role, text[start:end])))
    return best[-1][2] if best[-1] else ()


def _role(text: str, known: Known, characters: Collection[str]) -> Role | None:
    if known(text):
        return "word"
    return "character" if text in characters else None
