"""A bound on the units of a site: the parts that most pieces have keep theirs, the others share some.

Parts that few pieces have, as most of a Chinese vocabulary's characters, would each be a unit that hardly any other
piece reads. Under a bound they are dealt to a number of shared units by a digest of their text, as words are in hash
embeddings (Svenstrup et al., arXiv 1709.03933); where two pieces meet, by a digest of the whole text.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import Literal

UnitKind = Literal["sememe", "morpheme", "residual"]
Key = tuple[UnitKind, str]
Term = tuple[Key, ...]

SHARED = 4
"""One unit in so many is shared by parts that few pieces have."""

TRIES = 1000
"""Digests that are tried before more sites of a piece are dealt out."""


def kept_units(units: int) -> int:
    """How many parts of a site keep a unit of their own under a bound."""
    return units - _n_shared(units)


def _n_shared(units: int) -> int:
    return -(-units // SHARED)


class SharedUnits:
    """The parts that keep their units at each site, and the units of all others.

    Args:
        terms: the form term of each piece.
        units: the most units that a site may have.
    """

    def __init__(self, terms: Sequence[Term], units: int) -> None:
        counts = [Counter(site) for site in zip(*terms, strict=True)]
        self._kept = [frozenset(part for part, _ in site.most_common(kept_units(units))) for site in counts]
        self._n_shared = _n_shared(units)

    def candidates(self, term: Term, text: str) -> Iterator[Term]:
        """Give form terms for a piece, the one nearest to its own first.

        Args:
            term: its own.
            text: tells the piece from others.
        """
        first = tuple(
            part if part in self._kept[site] else self._shared(part[1], site) for site, part in enumerate(term)
        )
        yield first
        last = len(term) - 1
        # The last part, which sense terms keep, is given up last.
        for given_up in ({last - 1}, set(range(last)), set(range(last + 1))):
            for attempt in range(1, TRIES + 1):
                yield tuple(
                    self._shared(text, site, attempt) if site in given_up else part for site, part in enumerate(first)
                )

    def _shared(self, text: str, site: int, attempt: int = 0) -> Key:
        digest = blake2b(f"{site} {attempt} {text}".encode(), digest_size=8).digest()
        return "residual", f"shared {int.from_bytes(digest) % self._n_shared}"
