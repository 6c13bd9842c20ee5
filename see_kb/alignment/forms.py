"""A piece's form in parts, one for each site: stretches of text that many pieces of the vocabulary share.

The first part is the longest beginning that at least `min_share` pieces share, the last one the longest such ending,
and those between them the longest such stretches around their places. `▁unbreakable` may become
`▁unb`, `eak`, `able`. Parts overlap, or leave out what no part covers: they identify pieces, they do not spell them.

Shared stretches load the units of a site evenly; equal thirds of the text have short parts that thousands of pieces
share, and rows made of them fit a table worse at the same size.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence, Set
from copy import copy

import regex

from see_kb.alignment.align import Alignment
from see_kb.vocabulary.pieces import SPACE

MAX_INFIX = 8
"""Elements that a part between the first and the last one may have."""

MAX_SHARED = 64
"""Elements up to which beginnings and endings are compared; longer pieces are runs of one sign."""

MAX_SHARE = 4096
"""Pieces that share a stretch, beyond which hardly any stretch but single letters is left."""

_CLUSTER = regex.compile(r"\X")
_BYTE = regex.compile(r"<0x[0-9A-F]{2}>")

Form = tuple[str, ...]
"""A piece's text in elements: grapheme clusters, the first one with `▁` where the piece starts a word, the last one
with it where a mark says that it ends one."""


def form_of(alignment: Alignment) -> Form:
    """Take a piece's text apart; a special piece is one element, a byte piece one for each byte."""
    piece = alignment.piece
    if alignment.rule == "byte":
        return tuple(_BYTE.findall(piece.surface)) or (piece.surface,)
    if alignment.rule == "special" and piece.kind != "unused":
        return (piece.piece,)
    elements = _CLUSTER.findall(piece.piece if piece.kind == "unused" else piece.surface) or [piece.piece]
    if piece.starts_word and not piece.unmarked:
        elements[0] = SPACE + elements[0]
    if piece.ends_word:
        elements[-1] += SPACE
    return tuple(elements)


class FormSplitter:
    """Splits forms into `order` parts, by what the forms of a vocabulary share."""

    def __init__(self, forms: Sequence[Form], order: int, min_share: int) -> None:
        self._order = order
        self._min_share = min_share
        self._beginnings: Counter[str] = Counter()
        self._endings: Counter[str] = Counter()
        self._infixes: Counter[str] = Counter()
        for form in forms:
            lengths = range(1, min(len(form), MAX_SHARED) + 1)
            self._beginnings.update("".join(form[:length]) for length in lengths)
            self._endings.update("".join(form[-length:]) for length in lengths)
            if order > 2:
                self._infixes.update({"".join(form[start:end]) for start, end in _stretches(len(form))})

    def with_share(self, min_share: int) -> "FormSplitter":
        """The same counts with another share."""
        other = copy(self)
        other._min_share = min_share
        return other

    def splits(self, form: Form) -> Iterator[tuple[str, ...]]:
        """Give ways to split a form, the best first; the later ones have longer and longer first parts."""
        between = [self._infix(form, site) for site in range(1, self._order - 1)]
        first = self._longest(form, self._beginnings, from_start=True)
        last = self._longest(form, self._endings, from_start=False)
        for end in range(first, len(form) + 1):
            yield ("".join(form[:end]), *between, "".join(form[len(form) - last :]))

    def _longest(self, form: Form, counts: Counter[str], *, from_start: bool) -> int:
        """The length of the longest shared beginning or ending, at least 1."""
        lengths = range(min(len(form), MAX_SHARED), 1, -1)
        texts = ("".join(form[:length] if from_start else form[len(form) - length :]) for length in lengths)
        return next((n for n, text in zip(lengths, texts, strict=True) if counts[text] >= self._min_share), 1)

    def _infix(self, form: Form, site: int) -> str:
        """The longest shared stretch around the place of a site between the first and the last one."""
        centre = len(form) * site / (self._order - 1)
        for length in range(min(len(form), MAX_INFIX), 0, -1):
            start = min(max(round(centre - length / 2), 0), len(form) - length)
            text = "".join(form[start : start + length])
            if length == 1 or self._infixes[text] >= self._min_share:
                break
        return text


def share_for(forms: Sequence[Form], order: int, units: int) -> int:
    """The smallest `min_share` with which no site has more than `units` different parts.

    Where the single elements of a vocabulary alone are more, as with Chinese characters, half of the units are for
    longer parts.
    """
    splitter = FormSplitter(forms, order, 1)
    elements = {element for form in forms for element in form}
    return _smallest(splitter, forms, units, set()) or _smallest(splitter, forms, units // 2, elements) or MAX_SHARE


def _smallest(splitter: FormSplitter, forms: Sequence[Form], units: int, uncounted: Set[str]) -> int | None:
    """The smallest `min_share` that keeps to a number of parts, but for those that do not count."""

    def fits(share: int) -> bool:
        sharing = splitter.with_share(share)
        sites = zip(*(next(sharing.splits(form)) for form in forms), strict=True)
        return max((len(set(site) - uncounted) for site in sites), default=0) <= units

    shares = range(1, MAX_SHARE + 1)
    place = bisect_left(shares, True, key=fits)
    return shares[place] if place < len(shares) else None


def _stretches(length: int) -> Iterator[tuple[int, int]]:
    """Start and end of every stretch of at most `MAX_INFIX` elements."""
    for start in range(length):
        for end in range(start + 1, min(length, start + MAX_INFIX) + 1):
            yield start, end
