"""Sizes and costs of a chain of cores: how a width splits into sites, and what a rank costs. No tensors here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import isqrt, prod
from typing import Literal, get_args

from see_tn.errors import FactorError

Form = Literal["cp", "mps"]

MAX_ORDER = 8
BALANCE = 2  # the largest site is at most this many times the smallest; 384 = 24 * 16 and 3072 = 16 * 16 * 12 pass


@dataclass(frozen=True)
class ChainShape:
    """The sizes of a row's tensor network.

    A unit's core at site j is `(bonds[j], sites[j], bonds[j + 1])` in the form `mps`. In the form `cp` the bonds
    are diagonal, and the core is `(rank, sites[j])`: one vector for each of `rank` channels (the SEE paper,
    arXiv 2412.12204; MorphTE, arXiv 2210.15379; word2ket, arXiv 1911.04975). The first site varies slowest in a
    row, and the row is cut off after `width` columns.

    Each site reads a table of cores of its own or, if `shared`, one table with all sites whose cores have the same
    shape, as in MorphTE: a unit then has one core for several sites.

    Raises:
        FactorError: a size is not positive, or the sites' product is below the width.
    """

    form: Form
    width: int
    sites: tuple[int, ...]
    rank: int
    shared: bool = False

    def __post_init__(self) -> None:
        if self.form not in get_args(Form):
            raise FactorError(f"form is {self.form!r}; take one of {', '.join(get_args(Form))}")
        if self.width < 1 or self.rank < 1 or not self.sites or min(self.sites) < 1:
            raise FactorError(f"sizes must be positive, got width {self.width}, sites {self.sites}, rank {self.rank}")
        if self.full_width < self.width:
            raise FactorError(f"sites {self.sites} make {self.full_width} columns, below the width {self.width}")

    @property
    def order(self) -> int:
        """The number of sites."""
        return len(self.sites)

    @property
    def full_width(self) -> int:
        """Columns before the cut."""
        return prod(self.sites)

    @property
    def bonds(self) -> tuple[int, ...]:
        """`order + 1` bond dimensions, 1 at both ends: `(1, rank, ..., rank, 1)`."""
        return (1, *(self.rank,) * (self.order - 1), 1)

    @property
    def tables(self) -> tuple[int, ...]:
        """Which table of cores each site reads, numbered in the order of the sites that read one first."""
        if not self.shared:
            return tuple(range(self.order))
        shapes = list(dict.fromkeys(map(self.core_shape, range(self.order))))
        return tuple(shapes.index(self.core_shape(site)) for site in range(self.order))

    @property
    def table_shapes(self) -> tuple[tuple[int, ...], ...]:
        """The shape of one unit's core in each table."""
        shapes = dict(zip(self.tables, map(self.core_shape, range(self.order)), strict=True))
        return tuple(shapes[table] for table in sorted(shapes))

    @property
    def paths(self) -> int:
        """How many products are summed into one entry of a row, per term."""
        return self.rank if self.form == "cp" else prod(self.bonds)

    @property
    def split(self) -> int:
        """The number of sites in the left half, chosen so that the two halves together are smallest."""
        columns = [prod(self.sites[:k]) + prod(self.sites[k:]) for k in range(self.order)]
        return columns.index(min(columns))

    def core_shape(self, site: int) -> tuple[int, ...]:
        """The shape of one unit's core at a site."""
        if self.form == "cp":
            return (self.rank, self.sites[site])
        return (self.bonds[site], self.sites[site], self.bonds[site + 1])

    def with_rank(self, rank: int) -> "ChainShape":
        """The same chain with another rank."""
        return replace(self, rank=rank)

    def parameters(self, n_units: Sequence[int]) -> int:
        """Trained numbers of all cores; `n_units[j]` units own a core in table j."""
        shapes = self.table_shapes
        if len(n_units) != len(shapes):
            raise FactorError(f"{len(n_units)} counts of units for {len(shapes)} tables of cores; give one for each")
        return sum(n * prod(shape) for n, shape in zip(n_units, shapes, strict=True))

    def multiply_adds(self, n_terms: int = 1) -> int:
        """Multiply-adds of one row's forward pass: both halves of every term, then one product over all terms."""
        if self.form == "cp":
            halves = (self.sites[: self.split], self.sites[self.split :])
            building = sum(self.rank * prod(half[: k + 1]) for half in halves for k in range(1, len(half)))
            return n_terms * (building + self.rank * self.full_width)
        columns, building = 1, 0
        for site in range(self.split):
            building += columns * prod(self.core_shape(site)) if site else 0
            columns *= self.sites[site]
        columns = 1
        for site in reversed(range(self.split, self.order)):
            building += columns * prod(self.core_shape(site)) if site < self.order - 1 else 0
            columns *= self.sites[site]
        return n_terms * (building + self.bonds[self.split] * self.full_width)


def balanced_sites(width: int, order: int) -> tuple[int, ...]:
    """Split a width into `order` sites, the largest first.

    The product is the smallest number from `width` on that has a balanced factoring (largest at most twice the
    smallest); of its factorings the one with the smallest sum is taken. So 512 = 8 * 8 * 8, 3072 = 16 * 16 * 12,
    384 = 8 * 8 * 6 = 24 * 16, and the prime 509 becomes 8 * 8 * 8.

    Raises:
        FactorError: the width is below 1, or the order is outside 1 to 8.
    """
    if width < 1 or not 1 <= order <= MAX_ORDER:
        raise FactorError(f"width {width} and order {order}: a width from 1 and an order from 1 to {MAX_ORDER} work")
    for total in count(width):
        factorings = [sites for sites in _factorings(total, order, total) if sites[0] <= BALANCE * sites[-1]]
        if factorings:
            return min(factorings, key=sum)
    raise AssertionError("unreachable: some power is always reached")


def _factorings(total: int, order: int, largest: int) -> Iterator[tuple[int, ...]]:
    """All balanced candidates for `total` as `order` falling factors, none above `largest`."""
    if order == 1:
        if total <= largest:
            yield (total,)
        return
    least = _root(total, order)
    # A first factor f leaves others of at least f / BALANCE, so f ** order <= total * BALANCE ** (order - 1).
    most = min(largest, _root(total * BALANCE ** (order - 1), order) + 1)
    for first in range(least, most + 1):
        if total % first == 0:
            yield from ((first, *rest) for rest in _factorings(total // first, order - 1, first))


def _root(number: int, degree: int) -> int:
    """The largest whole number whose power `degree` is not above `number`, at least 1."""
    if degree == 2:
        return max(1, isqrt(number))
    root: int = max(1, round(float(number) ** (1 / degree)))
    while root > 1 and root**degree > number:
        root -= 1
    while (root + 1) ** degree <= number:
        root += 1
    return root


def largest_rank(shape: ChainShape, n_units: Sequence[int], budget: int) -> int:
    """The largest rank whose cores have at most `budget` parameters; the rank of `shape` itself plays no part.

    Raises:
        FactorError: rank 1 is above the budget.
    """
    smallest = shape.with_rank(1).parameters(n_units)
    if smallest > budget:
        raise FactorError(
            f"cores of rank 1 have {smallest} parameters, above the budget of {budget}: "
            "ask for a smaller ratio, fewer units or more sites"
        )
    if shape.order == 1 and shape.form == "mps":
        return 1  # without an inner bond no rank changes anything
    low, high = 1, 2
    while shape.with_rank(high).parameters(n_units) <= budget:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        fits = shape.with_rank(middle).parameters(n_units) <= budget
        low, high = (middle, high) if fits else (low, middle)
    return low


def dense_bytes(n_pieces: int, width: int) -> int:
    """Bytes of the float32 table that every ratio by bytes is measured against."""
    return 4 * n_pieces * width
