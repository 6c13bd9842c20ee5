"""Which units make which row: the sememe-token table as arrays, padded for computing and ragged for storing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError

Array = npt.NDArray[Any]

MAX_CODES = 256  # distinct amplitudes up to which one byte per term and a table are stored


@dataclass(frozen=True, eq=False)
class RowIndex:
    """The units and the amplitude of every term of every row.

    A table that reads

        piece 0   .8 x (unit 4, unit 7) + .6 x (unit 9, unit 7)
        piece 1   1. x (unit 4, unit 5)

    becomes, each site with its own dense numbering of the units that stand there,

        index      [[[0, 1], [1, 1]], [[0, 0], [0, 0]]]
        amplitude  [[.8, .6], [1., 0.]]
        n_units    (2, 2)

    Sites that share a table of cores share a numbering too.

    Attributes:
        index: (V, T, O) int32, the unit at each site of each term; padding terms hold 0.
        amplitude: (V, T) float32, 0 in padding terms.
        n_units: how many units own a core in each table.
        tables: which table each of the O sites reads, as `ChainShape.tables`; without it, each its own.
    Raises:
        FactorError: shapes or types disagree, a unit is out of range, an amplitude is not finite.
    """

    index: Array
    amplitude: Array
    n_units: tuple[int, ...]
    tables: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        index, amplitude = self.index, self.amplitude
        if not self.tables and index.ndim == 3:
            object.__setattr__(self, "tables", tuple(range(index.shape[2])))
        if index.ndim != 3 or amplitude.shape != index.shape[:2] or 0 in index.shape:
            raise FactorError(
                f"index {index.shape} and amplitude {amplitude.shape} must be (V, T, O) and (V, T), none empty"
            )
        if index.dtype != np.int32 or amplitude.dtype != np.float32:
            raise FactorError(f"index is {index.dtype} and amplitude {amplitude.dtype}; give int32 and float32")
        if len(self.tables) != index.shape[2] or set(self.tables) != set(range(len(self.n_units))):
            raise FactorError(
                f"{len(self.n_units)} counts of units and the tables {self.tables} for {index.shape[2]} sites; "
                "give each site a table and each table a count"
            )
        for site, table in enumerate(self.tables):
            _check_units(index[..., site], site, self.n_units[table])
        if not np.isfinite(amplitude).all():
            piece = int(np.argwhere(~np.isfinite(amplitude))[0, 0])
            raise FactorError(f"piece {piece}: its amplitude is not finite; build the table again")

    @classmethod
    def from_unit_rows(
        cls, piece_ids: Array, amplitudes: Array, unit_ids: Array, tables: tuple[int, ...] = ()
    ) -> "RowIndex":
        """Read the columns of `unit_rows`, sorted by piece and term.

        Args:
            piece_ids: (n,) integers; each piece from 0 to V - 1 in order, once for each of its terms.
            amplitudes: (n,) float32.
            unit_ids: (n, O) integers, one numbering for all sites. In each table the units that stand there are
                numbered anew from 0, in the order of their ids.
            tables: which table each site reads; without it, each its own.
        Raises:
            FactorError: a piece is missing or out of order, an id is negative, the lengths differ.
        """
        piece_ids, amplitudes, unit_ids = np.asarray(piece_ids), np.asarray(amplitudes), np.asarray(unit_ids)
        _check_columns(piece_ids, amplitudes, unit_ids)
        counts = np.bincount(piece_ids)
        tables = tables or tuple(range(unit_ids.shape[1]))
        units = np.empty(unit_ids.shape, dtype=np.int32)
        n_units = []
        for table in range(max(tables) + 1):
            sites = [site for site, own in enumerate(tables) if own == table]
            standing, local = np.unique(unit_ids[:, sites], return_inverse=True)
            units[:, sites] = local.reshape(-1, len(sites))
            n_units.append(len(standing))
        counted = int(counts.max()), tuple(n_units), tables
        return cls._padded(counts, units, amplitudes.astype(np.float32), *counted)

    @classmethod
    def from_stored(
        cls, stored: Mapping[str, Array], n_terms: int, n_units: tuple[int, ...], tables: tuple[int, ...] = ()
    ) -> "RowIndex":
        """Undo `stored`; `n_terms` is T.

        Raises:
            FactorError: the arrays do not fit each other.
        """
        counts = stored["terms"].astype(np.int64)
        if counts.size == 0 or counts.min() < 0 or counts.max() > n_terms:
            raise FactorError(f"terms: the counts must lie between 0 and {n_terms}; save the factors again")
        if len(counts) == 1 and counts[0] > 0:
            counts = np.repeat(counts, len(stored["units.0"]) // counts[0])
        tables = tables or tuple(range(len(n_units)))
        sites = [stored[f"units.{site}"] for site in range(len(tables))]
        terms = stored["amplitudes"] if "amplitudes" in stored else stored["amplitude_codes"]
        if "amplitudes" not in stored and len(stored["amplitude_values"]) == 1 and not terms.size:
            terms = np.zeros(int(counts.sum()), dtype=np.uint8)
        lengths = {int(counts.sum()), len(terms), *map(len, sites)}
        if len(lengths) != 1:
            raise FactorError(f"terms, units and amplitudes have {sorted(lengths)} terms; save the factors again")
        if "amplitudes" not in stored:
            values = stored["amplitude_values"]
            if terms.size and terms.max() >= len(values):
                raise FactorError(f"amplitude_codes: code {terms.max()} of {len(values)}; save the factors again")
            terms = values[terms]
        units = np.stack(sites, axis=1).astype(np.int32)
        return cls._padded(counts, units, terms, n_terms, n_units, tables)

    @classmethod
    def _padded(
        cls,
        counts: Array,
        units: Array,
        amplitudes: Array,
        n_terms: int,
        n_units: tuple[int, ...],
        tables: tuple[int, ...],
    ) -> "RowIndex":
        used = np.arange(n_terms) < counts[:, None]
        index = np.zeros((*used.shape, units.shape[1]), dtype=np.int32)
        amplitude = np.zeros(used.shape, dtype=np.float32)
        index[used], amplitude[used] = units, amplitudes
        return cls(index, amplitude, n_units, tables)

    @property
    def n_pieces(self) -> int:
        """V, the number of rows."""
        return int(self.index.shape[0])

    @property
    def order(self) -> int:
        """O, the number of sites."""
        return int(self.index.shape[2])

    @cached_property
    def n_terms(self) -> Array:
        """(V,) int64: the terms of each row, padding left out."""
        used = (self.amplitude.view(np.int32) != 0) | (self.index != 0).any(axis=2)
        last: Array = np.where(used, np.arange(1, used.shape[1] + 1), 0).max(axis=1)
        return last

    @property
    def unit_amplitudes(self) -> bool:
        """Whether every row has one term of amplitude 1, so that none have to be kept."""
        return self.amplitude.shape[1] == 1 and bool((self.amplitude == 1).all())

    def stored(self) -> dict[str, Array]:
        """The smallest plain arrays that hold everything, without the padding.

        `terms` (V,) uint8 or int32: how many terms each row has, n their sum; (1,) where all have equally many.
        `units.j` (n,) uint8, uint16 or int32: the unit of each term at site j.
        `amplitudes` (n,) float32; or, with at most 256 different values, `amplitude_codes` (n,) uint8 into
        `amplitude_values` float32, the codes left out where there is but one value.
        """
        counts = self.n_terms
        used = np.arange(self.index.shape[1]) < counts[:, None]
        units = self.index[used]
        equal = 0 < counts.min() == counts.max()
        arrays = {"terms": (counts[:1] if equal else counts).astype(np.uint8 if counts.max() < 1 << 8 else np.int32)}
        for site, table in enumerate(self.tables):
            arrays[f"units.{site}"] = np.ascontiguousarray(units[:, site]).astype(_unit_type(self.n_units[table]))
        amplitudes = self.amplitude[used]
        # By bits, not by value: -0.0 is not 0.0 here.
        values, codes = np.unique(amplitudes.view(np.uint32), return_inverse=True)
        if len(values) == 1:
            codes = codes[:0]  # one value for all terms needs no codes
        if len(values) <= MAX_CODES:
            return arrays | {"amplitude_codes": codes.astype(np.uint8), "amplitude_values": values.view(np.float32)}
        return arrays | {"amplitudes": amplitudes}

    def stored_bytes(self) -> int:
        """The size of `stored` without any header."""
        return sum(array.nbytes for array in self.stored().values())


def check_rows(rows: RowIndex, shape: ChainShape) -> None:
    """Refuse rows that were made for another chain.

    Raises:
        FactorError: the orders or the tables differ.
    """
    if rows.order != shape.order:
        raise FactorError(f"rows of {rows.order} sites and a shape of {shape.order}; build them with one order")
    if rows.tables != shape.tables:
        raise FactorError(f"rows read the tables {rows.tables}, the shape {shape.tables}; number them alike")


def _unit_type(n_units: int) -> npt.DTypeLike:
    if n_units <= 1 << 8:
        return np.uint8
    return np.uint16 if n_units <= 1 << 16 else np.int32


def _check_units(units: Array, site: int, n_units: int) -> None:
    if n_units < 1 or units.min() < 0 or units.max() >= n_units:
        wrong = np.argwhere((units < 0) | (units >= n_units))
        piece = int(wrong[0, 0]) if len(wrong) else 0
        raise FactorError(
            f"piece {piece}: unit {units[piece].max()} at site {site}, where {n_units} units stand; "
            "build the table again"
        )


def _check_columns(piece_ids: Array, amplitudes: Array, unit_ids: Array) -> None:
    if unit_ids.ndim != 2 or not len(piece_ids) == len(amplitudes) == len(unit_ids):
        raise FactorError(
            f"unit_rows: piece_ids {piece_ids.shape}, amplitudes {amplitudes.shape} and unit_ids {unit_ids.shape} "
            "must be (n,), (n,) and (n, order)"
        )
    if len(piece_ids) == 0 or unit_ids.shape[1] == 0:
        raise FactorError("unit_rows: the table is empty; build it from a vocabulary first")
    if not (np.issubdtype(piece_ids.dtype, np.integer) and np.issubdtype(unit_ids.dtype, np.integer)):
        raise FactorError(f"unit_rows: ids are {piece_ids.dtype} and {unit_ids.dtype}; give integers")
    steps = np.diff(piece_ids.astype(np.int64), prepend=-1)
    bad = np.flatnonzero((steps < 0) | (steps > 1) | (np.arange(len(steps)) == 0) & (steps != 1))
    if len(bad):
        place = int(bad[0])
        before = int(piece_ids[place - 1]) if place else "nothing"
        raise FactorError(
            f"unit_rows: row {place} holds piece {piece_ids[place]} after {before}; "
            "every piece from 0 on has to come in order"
        )
    if unit_ids.min() < 0:
        place = int(np.argwhere(unit_ids < 0)[0, 0])
        raise FactorError(f"unit_rows: row {place} holds a negative unit id; unit ids start at 0")
