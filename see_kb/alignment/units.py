"""From meanings to tensors' labels: which units make up which piece's row.

A piece of order O gets one *form term* and, for its first meanings, *sense terms*. The form term has the O parts of
the piece's text (`forms`) and tells pieces apart. In a sense term the sememes take the first sites, and the form
keeps the rest; its last part is then the inflection or the affix that the alignment found, if it found one:

    site                0           1          2
    form term           ▁unb        eak        able
    sense term          break|折断    neg|否      able

Hence sememes never stand at the last site, and no site is spent on padding. Amplitudes are equal, with squares that
sum to 1 in each row.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from math import sqrt
from typing import Literal

from see_kb.alignment.align import Alignment, Match
from see_kb.alignment.forms import Form, FormSplitter, form_of, share_for
from see_kb.alignment.segment import MIN_STEM
from see_kb.alignment.shared_units import Key, SharedUnits, Term, UnitKind, kept_units
from see_kb.errors import SeeError
from see_kb.vocabulary.pieces import SPACE


@dataclass(frozen=True)
class UnitOptions:
    """How rows are made.

    `order` is the number of sites, `max_terms` of terms that a row may have, its form term included, and `min_share`
    of pieces that have to share a stretch of text for it to be a part: with less, there are more units. `units`, if
    given, is the most units of parts that a site may have: the smallest `min_share` that comes near to it is taken, and
    parts beyond it share units (`shared_units`). Sense terms add their sememes and endings. `own` is how many pieces,
    the most frequent ones in running text, have units of their own in the place of parts.
    """

    order: int = 3
    max_terms: int = 4
    min_share: int = 8
    units: int | None = None
    own: int = 0

    def __post_init__(self) -> None:
        for name, lowest, highest in (("order", 2, 8), ("max_terms", 1, 64), ("min_share", 1, 1_000_000)):
            if not lowest <= getattr(self, name) <= highest:
                raise SeeError(f"{name} is {getattr(self, name)}; give a number from {lowest} to {highest}")
        if self.units is not None and self.units < 2:
            raise SeeError(f"units is {self.units}; give a number from 2 on")
        if self.own < 0:
            raise SeeError(f"own is {self.own}; give a number from 0 on")


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
    resolution: Literal["a longer first part", "shared units", "a unit of its own"]


@dataclass(frozen=True)
class UnitTable:
    """The sememe–token table: all units by id, all terms by piece, and the collisions on the way."""

    options: UnitOptions
    units: tuple[Unit, ...]
    rows: tuple[UnitRow, ...]
    collisions: tuple[Collision, ...]


def make_units(alignments: Sequence[Alignment], options: UnitOptions, frequencies: Sequence[float] = ()) -> UnitTable:
    """Make the units and the rows of aligned pieces (in the order of their ids).

    Units are numbered by kind (sememes, morphemes, residual units), then by text. No two pieces get the same
    row: where two form terms are equal, the later piece takes a longer first part, or else a unit of its own; with a
    bound on units it takes shared ones.

    Args:
        alignments: of all pieces.
        options: how rows are made.
        frequencies: how often each piece occurs, for `options.own`.
    Raises:
        SeeError: pieces are to have units of their own, and how often they occur is not known; or the bound on units is
            too low to tell pieces apart.
    """
    own = _most_frequent(frequencies, options.own)
    meaningful = _meaningful_texts(alignments)
    forms = [form_of(alignment) for alignment in alignments]
    share = share_for(forms, options.order, kept_units(options.units)) if options.units else options.min_share
    splitter = FormSplitter(forms, options.order, share)
    splits = [_splits(splitter, alignment, form, meaningful) for alignment, form in zip(alignments, forms, strict=True)]
    if options.units:
        splits = _bounded([next(split) for split in splits], alignments, own, options.units)
    taken: dict[Term, int] = {}
    collisions: list[Collision] = []
    terms: list[list[Term]] = []
    for alignment, split in zip(alignments, splits, strict=True):
        candidates = iter(()) if alignment.piece.piece_id in own else split
        form_term, collision = _first_free(candidates, alignment, options, taken)
        taken[form_term] = alignment.piece.piece_id
        collisions += [collision] if collision else []
        terms.append([form_term, *_sense_terms(alignment, form_term, options)])
    return _numbered(alignments, terms, options, tuple(collisions))


def _meaningful_texts(alignments: Sequence[Alignment]) -> frozenset[str]:
    """The folded texts that are words or affixes of the dictionaries: as a part of a form they are morphemes."""
    return frozenset(
        text
        for alignment in alignments
        for match in alignment.matches
        for text in (match.form, alignment.folded[match.start : match.end])
    )


def _keyed(parts: tuple[str, ...], alignment: Alignment, meaningful: frozenset[str]) -> Term:
    wordlike = alignment.rule not in ("special", "byte")
    return tuple(
        ("morpheme" if wordlike and part.strip(SPACE).casefold() in meaningful else "residual", part) for part in parts
    )


def _splits(splitter: FormSplitter, alignment: Alignment, form: Form, meaningful: frozenset[str]) -> Iterator[Term]:
    """The form terms that a piece may have, the best first."""
    for parts in splitter.splits(form):
        yield _keyed(parts, alignment, meaningful)


def _bounded(
    terms: Sequence[Term], alignments: Sequence[Alignment], own: frozenset[int], units: int
) -> list[Iterator[Term]]:
    """Form terms for each piece, the first choice first, of a bounded number of units."""
    bound = SharedUnits([term for piece_id, term in enumerate(terms) if piece_id not in own], units)
    return [bound.candidates(term, alignments[piece_id].piece.piece) for piece_id, term in enumerate(terms)]


def _first_free(
    candidates: Iterator[Term], alignment: Alignment, options: UnitOptions, taken: Mapping[Term, int]
) -> tuple[Term, Collision | None]:
    """The first form term that no earlier piece has taken, and the collision if it is not the first one."""
    piece, order = alignment.piece, options.order
    other: int | None = None
    for term in candidates:
        if term not in taken:
            resolution: Literal["a longer first part", "shared units"]
            resolution = "shared units" if options.units else "a longer first part"
            return term, None if other is None else Collision(piece.piece_id, other, resolution)
        other = taken[term] if other is None else other
    if options.units and other is not None:
        raise SeeError(f"units is {options.units}, too few to tell {piece.piece!r} from other pieces; give more")
    text = f"{piece.piece} #{piece.piece_id}"
    own: Term = (("residual", text),) * order
    while own in taken:
        text += "#"
        own = (("residual", text),) * order
    return own, None if other is None else Collision(piece.piece_id, other, "a unit of its own")


def _most_frequent(frequencies: Sequence[float], n: int) -> frozenset[int]:
    """The ids of the most frequent pieces, of equal ones the first."""
    if n and not frequencies:
        raise SeeError("units of their own for frequent pieces need their frequencies; build with --frequency")
    ordered = sorted(range(len(frequencies)), key=lambda piece_id: -frequencies[piece_id])
    return frozenset(piece_id for piece_id in ordered[:n] if frequencies[piece_id] > 0)


def _sense_terms(alignment: Alignment, form_term: Term, options: UnitOptions) -> list[Term]:
    """The terms of the piece's first meanings, each once, as many as `max_terms` leaves beside the form term."""
    if not alignment.matches:
        return []
    head = _head(alignment.matches)
    others = [match.readings[0].sememes for match in alignment.matches if match is not head and match.readings]
    ending = _ending(alignment)
    tail = (*form_term[:-1], ("morpheme", ending)) if ending else form_term
    terms: dict[Term, None] = {}
    for reading in head.readings:
        if len(terms) == options.max_terms - 1:
            break
        sememes = _merged(reading.sememes, others)[: options.order - 1]
        terms[tuple(("sememe", sememe) for sememe in sememes) + tail[len(sememes) :]] = None
    return list(terms)


def _ending(alignment: Alignment) -> str:
    """The inflection or the suffix at the end of a piece, as the alignment found it; empty if there is none."""
    last = alignment.matches[-1]
    if last.role == "suffix" and last.start > 0:
        return alignment.folded[last.start :]
    if alignment.rule == "inflection":
        shared = takewhile(lambda pair: pair[0] == pair[1], zip(alignment.folded, last.form, strict=False))
        stem = len(list(shared))
        return alignment.folded[stem:] if stem >= MIN_STEM else ""
    return ""


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
    terms: Sequence[Sequence[Term]],
    options: UnitOptions,
    collisions: tuple[Collision, ...],
) -> UnitTable:
    sites: dict[Key, set[int]] = {}
    n_pieces: Counter[Key] = Counter()
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
