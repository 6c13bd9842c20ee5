"""Schmidt values of rows: a row's columns, laid out over the sites, cut in two at a bond.

A row of d[0] * d[1] * ... columns is a tensor with one index per site. Cut at bond k it is a matrix, its first k sites
against the others, and its singular values are the row's Schmidt values there: one for a product, several equal ones
for what cannot be told apart site by site (Schollwöck, arXiv 1008.3477, section 4.1).
"""

from collections.abc import Iterable
from math import log, prod

import torch
from torch import Tensor
from torch.nn import functional as F

from see_tn.errors import FactorError


def schmidt_values(rows: Tensor, sites: tuple[int, ...]) -> list[Tensor]:
    """Schmidt values at each inner bond, the largest first, their squares summing to 1.

    Args:
        rows: (B, width), the first site varying slowest; zeros are added up to the product of `sites`.
        sites: columns of each site.
    Returns:
        For bond k from 1 to O - 1: (B, min(left, right)); zeros for a row of zeros.
    Raises:
        ValueError: a row has more columns than the sites make.
    """
    if rows.shape[1] > prod(sites):
        raise ValueError(f"rows of {rows.shape[1]} columns, sites {sites} make {prod(sites)}")
    whole = F.pad(rows, (0, prod(sites) - rows.shape[1]))
    whole = whole.to(torch.promote_types(whole.dtype, torch.float32))
    bonds = []
    for bond in range(1, len(sites)):
        values = torch.linalg.svdvals(whole.reshape(len(rows), prod(sites[:bond]), -1))
        norm = torch.linalg.vector_norm(values, dim=1, keepdim=True)
        bonds.append(values / torch.where(norm > 0, norm, torch.ones_like(norm)))
    return bonds


def entropy(values: Tensor) -> Tensor:
    """Entropy of entanglement in bits, -sum(s^2 log2 s^2) over Schmidt values (..., n): (...), never below 0."""
    weights = values.square().clamp_max(1)  # by rounding a weight may lie above 1, which would count below 0
    bits: Tensor = torch.special.xlogy(weights, weights).sum(dim=-1).abs() / log(2)
    return bits


def effective_rank(values: Tensor) -> Tensor:
    """How many equal Schmidt values would have the entropy of these (..., n): 2 to its power, (...), 1 to n."""
    return torch.exp2(entropy(values))


def bond_entropies(chunks: Iterable[Tensor], sites: tuple[int, ...]) -> tuple[Tensor, list[Tensor]]:
    """Entropies of a whole vocabulary, a chunk of rows at a time.

    Args:
        chunks: rows (B, width) in order.
        sites: columns of each site.
    Returns:
        (V, O - 1) entropies in bits; and for each bond the mean squared Schmidt values, the largest first.
    Raises:
        FactorError: there is but one site, or a row holds a number that is not finite.
    """
    if len(sites) < 2:
        raise FactorError(f"sites {sites} have no bond between them; lay the columns out over two or more")
    entropies, sums, n = [], [torch.zeros(())] * (len(sites) - 1), 0
    for rows in chunks:
        finite = torch.isfinite(rows).all(dim=1)
        if not bool(finite.all()):
            raise FactorError(f"row {n + int((~finite).nonzero()[0])} holds a number that is not finite; repair it")
        values = schmidt_values(rows, sites)
        entropies.append(torch.stack([entropy(bond) for bond in values], dim=1))
        sums = [total + bond.square().sum(dim=0) for total, bond in zip(sums, values, strict=True)]
        n += len(rows)
    return torch.cat(entropies), [total / n for total in sums]
