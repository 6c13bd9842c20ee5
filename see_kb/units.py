"""From meanings to tensors' labels: which units make up which piece's row.

A piece of order O gets one *form term* and, for its first meanings, *sense terms*. Its form (`▁unbreakable`) is
split into O parts, one for each site, so that the form term alone tells pieces apart. In a sense term the
sememes take the first sites from the form, the rest of the form stays where it is:

    site                0          1          2
    form term           ▁un        break      able
    sense term          break|折断   neg|否      able

Hence sememes never stand at the last site, no site is spent on padding, and pieces that differ only in their
inflection share everything but their last part. Amplitudes are equal, with squares that sum to 1 in each row.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, pairwise
from math import sqrt
from typing import Literal

import regex

from see_kb.align import Alignment, Match
from see_kb.pieces import SPACE

UnitKind = Literal["sememe", "morpheme", "residual"]

_CLUSTER = regex.compile(r"\X")
_BYTE = regex.compile(r"<0x[0-9A-F]{2}>")


@dataclass(frozen=True)
class UnitOptions:
    """How rows are made: the number of sites (`order`), and of terms that a row may have, its form term included."""

    order: int = 3
    max_terms: int = 4

    def __post_init__(self) -> None:
        if not 2 <= self.order <= 8:
            raise ValueError(f"order is {self.order}; 2 to 8 sites are supported")
        if not 1 <= self.max_terms <= 64:
            raise ValueError(f"max_terms is {self.max_terms}; 1 to 64 are supported")


@dataclass(frozen=True, slots=True)
class Unit:
    """What owns a core at each of its `sites`. A residual unit is a stretch of form without a known meaning."""

    unit_id: int
    kind: UnitKind
    text: str
    sites: tuple[int, ...]
    n_pieces: int


@dataclass(frozen=True, slots=True)
class UnitRow:
    """One term of a piece's row: the unit at each site."""

    piece_id: int
    term: int
    amplitude: float
    unit_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Collision:
    """Two pieces whose forms gave the same row, and how the second one was told apart."""

    piece_id: int
    other_piece_id: int
    resolution: Literal["another split", "a unit of its own"]


@dataclass(frozen=True)
class UnitTable:
    """The sememe–token table: all units by id, all terms by piece, and the collisions on the way."""

    options: UnitOptions
    units: tuple[Unit, ...]
    rows: tuple[UnitRow, ...]
    collisions: tuple[Collision, ...]


_Key = tuple[UnitKind, str]
_Term = tuple[_Key, ...]


def make_units(alignments: Sequence[Alignment], options: UnitOptions) -> UnitTable:
    """Make the units and the rows of aligned pieces (in the order of their ids).

    Units are numbered by kind (sememes, morphemes, residual units), then by text. No two pieces get the same
    row: where two form terms are equal, the later piece takes another split, or else a unit of its own.
    """
    meaningful = _meaningful_forms(alignments)
    collisions: list[Collision] = []
    forms: dict[_Term, int] = {}
    terms: list[list[_Term]] = []
    for alignment in alignments:
        form = _free_form(alignment, options.order, meaningful, forms, collisions)
        forms[form] = alignment.piece.piece_id
        terms.append([form, *_sense_terms(alignment, form, options)])
    return _numbered(alignments, terms, options, tuple(collisions))


def _meaningful_forms(alignments: Sequence[Alignment]) -> frozenset[str]:
    """The folded texts that are words or affixes of the dictionaries: as a part of a form they are morphemes."""
    return frozenset(
        text
        for alignment in alignments
        for match in alignment.matches
        for text in (match.form, alignment.folded[match.start : match.end])
    )


def _free_form(
    alignment: Alignment,
    order: int,
    meaningful: frozenset[str],
    taken: dict[_Term, int],
    collisions: list[Collision],
) -> _Term:
    """The first split of the piece's form that no earlier piece has taken."""
    first: _Term | None = None
    for parts in _splits(alignment, order):
        form = tuple(_form_key(part, alignment, meaningful) for part in parts)
        if form not in taken:
            if first is not None:
                collisions.append(Collision(alignment.piece.piece_id, taken[first], "another split"))
            return form
        first = first or form
    own: _Term = (("residual", f"{alignment.piece.piece} #{alignment.piece.piece_id}"),) * order
    collisions.append(Collision(alignment.piece.piece_id, taken[first or own], "a unit of its own"))
    return own


def _form_key(part: str, alignment: Alignment, meaningful: frozenset[str]) -> _Key:
    known = alignment.rule not in ("special", "byte") and part.removeprefix(SPACE).casefold() in meaningful
    return ("morpheme" if known else "residual", part)


def _splits(alignment: Alignment, order: int) -> Iterator[tuple[str, ...]]:
    """Ways to split a form into `order` parts, the best first; a form of fewer elements repeats some."""
    piece = alignment.piece
    if alignment.rule == "byte":
        elements = _BYTE.findall(piece.surface) or [piece.surface]
    elif alignment.rule == "special" and piece.kind != "unused":
        elements = [piece.piece]
    else:
        text = piece.piece if piece.kind == "unused" else piece.surface
        elements = _CLUSTER.findall(text) or [piece.piece]
        if piece.starts_word:
            elements[0] = SPACE + elements[0]
    if len(elements) < order:
        for places in combinations_with_replacement(range(len(elements)), order):
            if len(set(places)) == len(elements):
                yield tuple(elements[place] for place in places)
        return
    lengths = _part_lengths(_segments(alignment, len(elements)), order)
    starts = [sum(lengths[:site]) for site in range(order)]
    yield tuple("".join(elements[start : start + length]) for start, length in zip(starts, lengths, strict=True))


def _segments(alignment: Alignment, n_elements: int) -> list[int]:
    """Lengths of the form's morphemes, as far as the alignment knows them and they fall between elements."""
    if len(alignment.folded) != n_elements or not alignment.matches:
        return [n_elements]
    if alignment.rule == "inflection":
        stem = _common_prefix(alignment.folded, alignment.matches[0].form)
        cuts = {0, stem, n_elements}
    else:
        cuts = {0, n_elements} | {match.start for match in alignment.matches}
    places = sorted(cuts)
    return [end - start for start, end in pairwise(places)]


def _common_prefix(text: str, other: str) -> int:
    return next((i for i, (a, b) in enumerate(zip(text, other, strict=False)) if a != b), min(len(text), len(other)))


def _part_lengths(segments: Sequence[int], order: int) -> list[int]:
    """Bring morphemes to the number of sites: the longest one is halved, the shortest neighbours are joined."""
    lengths = list(segments)
    while len(lengths) < order:
        longest = max(range(len(lengths)), key=lambda i: lengths[i])
        half = (lengths[longest] + 1) // 2
        lengths[longest : longest + 1] = [half, lengths[longest] - half]
    while len(lengths) > order:
        shortest = min(range(len(lengths) - 1), key=lambda i: lengths[i] + lengths[i + 1])
        lengths[shortest : shortest + 2] = [lengths[shortest] + lengths[shortest + 1]]
    return lengths


def _sense_terms(alignment: Alignment, form: _Term, options: UnitOptions) -> list[_Term]:
    """The terms of the piece's first meanings, each once, as many as `max_terms` leaves beside the form term."""
    if not alignment.matches:
        return []
    head = _head(alignment.matches)
    others = [match.readings[0].sememes for match in alignment.matches if match is not head and match.readings]
    terms: dict[_Term, None] = {}
    for reading in head.readings:
        if len(terms) == options.max_terms - 1:
            break
        sememes = _merged(reading.sememes, others)[: options.order - 1]
        terms[tuple(("sememe", sememe) for sememe in sememes) + form[len(sememes) :]] = None
    return list(terms)


def _head(matches: Sequence[Match]) -> Match:
    """The last word: heads stand last in English and in Chinese compounds. Affixes alone speak for themselves."""
    words = [match for match in matches if match.role == "word" and match.readings]
    return words[-1] if words else matches[-1]


def _merged(head: tuple[str, ...], others: Sequence[tuple[str, ...]]) -> list[str]:
    """The head's class first, then the class of each other part, then what narrows them; each sememe once."""
    firsts = [sememes[0] for sememes in others]
    rest = [sememe for sememes in others for sememe in sememes[1:]]
    return list(dict.fromkeys([*head[:1], *firsts, *head[1:], *rest]))


_KIND_ORDER = {"sememe": 0, "morpheme": 1, "residual": 2}


def _numbered(
    alignments: Sequence[Alignment],
    terms: Sequence[Sequence[_Term]],
    options: UnitOptions,
    collisions: tuple[Collision, ...],
) -> UnitTable:
    sites: dict[_Key, set[int]] = {}
    n_pieces: Counter[_Key] = Counter()
    for piece_terms in terms:
        for term in piece_terms:
            for site, key in enumerate(term):
                sites.setdefault(key, set()).add(site)
        n_pieces.update({key for term in piece_terms for key in term})
    keys = sorted(sites, key=lambda key: (_KIND_ORDER[key[0]], key[1]))
    numbers = {key: number for number, key in enumerate(keys)}
    units = tuple(
        Unit(number, key[0], key[1], tuple(sorted(sites[key])), n_pieces[key]) for key, number in numbers.items()
    )
    rows = tuple(
        UnitRow(alignment.piece.piece_id, number, 1 / sqrt(len(piece_terms)), tuple(numbers[key] for key in term))
        for alignment, piece_terms in zip(alignments, terms, strict=True)
        for number, term in enumerate(piece_terms)
    )
    return UnitTable(options, units, rows, collisions)
