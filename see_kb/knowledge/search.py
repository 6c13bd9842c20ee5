"""Words that are like a text: by their beginning, by a part, or by few edits."""

from typing import Literal

from see_kb.errors import SeeError
from see_kb.knowledge.index import Index

How = Literal["prefix", "substring", "edits"]


def search_words(index: Index, text: str, how: How, distance: int, limit: int) -> list[str]:
    """Find at most `limit` words like a text: of equal merit the shorter, then the first by code points.

    Raises:
        SeeError: the text is empty, or the distance or the limit is too small.
    """
    if not text or distance < 0 or limit < 1:
        raise SeeError(f"cannot look for {text!r} (distance {distance}, limit {limit}); give a text and numbers from 1")
    if how == "edits":
        return _by_edits(index, text, distance, limit)
    found = index.words.keys(text) if how == "prefix" else [word for word in index.all_words() if text in word]
    return sorted(found, key=lambda word: (len(word), word))[:limit]


def _by_edits(index: Index, text: str, distance: int, limit: int) -> list[str]:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract_iter

    found = extract_iter(text, index.all_words(), scorer=OSA.distance, score_cutoff=distance)
    return [word for _, _, word in sorted((edits, len(word), word) for word, edits, _ in found)][:limit]
