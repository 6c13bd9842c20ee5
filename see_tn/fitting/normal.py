"""The least-squares problem of one site: its environments, its normal equations, and their solution.

Let a site's core be K x d numbers (K channels, or K = left bond x right bond). The row of piece t, seen as d x X with
the other sites' columns in X, is `sum over (term, K) of core[u(t, term)] * environment[t, term]`, environments being
K x X. So piece t adds the block `environment @ environment^T` over (term, K) to the normal equations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor
from torch.nn import functional as F

from see_tn.chain.entangle import chain_from_left, chain_from_right, channel_products, gather
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError

CHUNK = 2048  # pieces at a time; 1024 to 4096 took the same time on two cores
KEPT_BYTES = 1 << 28  # of blocks kept between conjugate-gradient steps; the others are computed again
PRECISE = 1e-6  # residual, relative to the right side, below which more steps change nothing in float32


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some pieces of about equally many terms; each piece's row and wish are scaled by the root of its weight."""

    pieces: Tensor  # (B,)
    index: Tensor  # (B, T, O)
    amplitude: Tensor  # (B, T), times the root of the weight
    root: Tensor | None  # (B, 1), the root of the weight

    def wanted(self, target: "Target", full_width: int) -> Tensor:
        """(B, full width): the rows that the pieces want, zero beyond the width."""
        rows = target.table[self.pieces].to(target.offset.dtype) - target.offset
        if self.root is not None:
            rows *= self.root
        return F.pad(rows, (0, full_width - rows.shape[1]))


@dataclass(frozen=True, eq=False)
class Target:
    """A table (V, width) in any type, and what is taken off each of its rows (width,); never subtracted as a whole."""

    table: Tensor
    offset: Tensor


class SiteProblem:
    """What the fit of one site needs in every sweep: the pieces in chunks, and where their blocks go."""

    def __init__(self, shape: ChainShape, site: int, n_units: int, chunks: Sequence[Chunk]) -> None:
        self.shape = shape
        self.site = site
        self.n_units = n_units
        self.channels = prod(shape.core_shape(site)) // shape.sites[site]
        self.chunks = chunks

    def solve(self, cores: Sequence[Tensor], target: Target, *, steps: int, ridge: float) -> Tensor:
        """The site's new cores: at least as good as the old ones for this target, all other sites as they are.

        Args:
            cores: all sites, each with a table of its own.
            target: what the rows should be.
            steps: the most conjugate-gradient steps.
            ridge: weight of the distance to the old cores, relative to the mean diagonal of the blocks.
        Returns:
            As `cores[site]`.
        """
        old = self.as_matrix(cores[self.site])
        if max(chunk.index.shape[1] for chunk in self.chunks) == 1:
            steps = 1  # the blocks are all there is
        blocks: list[Tensor | None] = []
        kept = 0
        diagonal = old.new_zeros(self.n_units, self.channels, self.channels)
        slope = torch.zeros_like(old)
        for chunk in self.chunks:
            environment = self.environment(cores, chunk)
            block = environment @ environment.mT
            self._add_slope(slope, environment, old, chunk, target)
            self.add_own_blocks(diagonal, block, chunk)
            kept += block.nbytes
            blocks.append(block if kept <= KEPT_BYTES else None)
        shift = shifted(diagonal, ridge)
        factor = factored(diagonal)

        def normal(vector: Tensor) -> Tensor:
            product = shift[:, None, None] * vector
            for chunk, block in zip(self.chunks, blocks, strict=True):
                if block is None:
                    environment = self.environment(cores, chunk)
                    block = environment @ environment.mT
                self.scatter(product, block @ self.gathered(vector, chunk), chunk)
            return product

        step = conjugate_gradient(normal, slope, lambda residual: torch.cholesky_solve(residual, factor), steps)
        return self.as_core(old + step)

    def as_matrix(self, core: Tensor) -> Tensor:
        """(n, K, d) of a core in either form."""
        return core if self.shape.form == "cp" else core.permute(0, 1, 3, 2).flatten(1, 2)

    def as_core(self, matrix: Tensor) -> Tensor:
        """Undo `as_matrix`."""
        if self.shape.form == "cp":
            return matrix
        left, sites, right = self.shape.core_shape(self.site)
        return matrix.reshape(-1, left, right, sites).permute(0, 1, 3, 2).contiguous()

    def environment(self, cores: Sequence[Tensor], chunk: Chunk) -> Tensor:
        """(B, T * K, X): what the other sites make of a one in each place of this site's core."""
        ones = chunk.amplitude[..., None, None].to(cores[0].dtype)
        gathered = gather(cores, chunk.index)
        before, after = gathered[: self.site], gathered[self.site + 1 :]
        if self.shape.form == "cp":
            product = channel_products([*before, *after], ones)
            return product.expand(-1, -1, self.channels, -1).flatten(1, 2)
        left = chain_from_left(before, ones)
        right = chain_from_right(after, torch.ones_like(ones))
        # (B, T, left bond, right bond, left columns, right columns)
        both = left.mT[..., :, None, :, None] * right[..., None, :, None, :]
        return both.flatten(-2).flatten(1, 3)

    def _add_slope(self, slope: Tensor, environment: Tensor, old: Tensor, chunk: Chunk, target: Target) -> None:
        """Add half the descent direction: the residual of the old cores, carried back to the units."""
        residual = self.unfolded(chunk.wanted(target, self.shape.full_width))
        residual -= self.gathered(old, chunk).mT @ environment  # (B, d, X)
        if self.shape.full_width > self.shape.width:
            # Columns beyond the width want nothing. Taking their prediction as their target bounds the error from
            # above and touches it at the old cores, so the error still never rises.
            inside = torch.arange(self.shape.full_width, device=residual.device) < self.shape.width
            residual *= self.unfolded(inside[None])
        self.scatter(slope, environment @ residual.mT, chunk)

    def unfolded(self, rows: Tensor) -> Tensor:
        """Rows (B, full width) with this site's columns first: (B, d, X)."""
        left, d = prod(self.shape.sites[: self.site]), self.shape.sites[self.site]
        return rows.reshape(len(rows), left, d, -1).transpose(1, 2).flatten(2)

    def folded(self, rows: Tensor) -> Tensor:
        """Undo `unfolded`."""
        left, d = prod(self.shape.sites[: self.site]), self.shape.sites[self.site]
        return rows.reshape(len(rows), d, left, -1).transpose(1, 2).flatten(1)

    def add_own_blocks(self, blocks: Tensor, block: Tensor, chunk: Chunk) -> None:
        """Add to (n, K, K) the part of the normal equations in which a unit meets itself, in one term or in two."""
        n_terms = chunk.index.shape[1]
        units = chunk.index[..., self.site]
        same = (units[:, :, None] == units[:, None, :]).to(block.dtype)
        parts = block.reshape(-1, n_terms, self.channels, n_terms, self.channels)
        own = torch.einsum("btkul,btu->btkl", parts, same)
        blocks.index_add_(0, units.flatten(), own.reshape(-1, self.channels, self.channels))

    def gathered(self, matrix: Tensor, chunk: Chunk) -> Tensor:
        """(B, T * K, d) of (n, K, d)."""
        return gather([matrix], chunk.index[..., self.site : self.site + 1])[0].flatten(1, 2)

    def scatter(self, total: Tensor, values: Tensor, chunk: Chunk) -> None:
        """Add the transpose of `gathered` to (n, K, d): (B, T * K, d) values go back to the units they belong to."""
        units = chunk.index[..., self.site].flatten()
        total.index_add_(0, units, values.reshape(len(units), self.channels, -1))


def conjugate_gradient(
    normal: Callable[[Tensor], Tensor], right: Tensor, precondition: Callable[[Tensor], Tensor], steps: int
) -> Tensor:
    """Solve `normal(x) = right` from zero, for a positive definite `normal`; each step lowers the quadratic form."""
    solution = torch.zeros_like(right)
    residual = right.clone()
    enough = PRECISE * float(right.norm())
    direction = precondition(residual)
    size = float((residual * direction).sum())
    for _ in range(steps):
        if float(residual.norm()) <= enough:
            break
        product = normal(direction)
        curvature = float((direction * product).sum())
        if curvature <= 0:  # rounding has eaten the direction
            break
        solution += (size / curvature) * direction
        residual -= (size / curvature) * product
        preconditioned = precondition(residual)
        size, before = float((residual * preconditioned).sum()), size
        direction = preconditioned + (size / before) * direction
    return solution


def shifted(blocks: Tensor, ridge: float) -> Tensor:
    """Add a ridge to the diagonals of (n, K, K) blocks, in place, and give it for each block: (n,)."""
    means = blocks.diagonal(dim1=1, dim2=2).mean(dim=1)
    # A tiny part of each block's own size keeps blocks of units with fewer pieces than channels solvable.
    shift: Tensor = ridge * means.mean() + 1e-6 * means + torch.finfo(means.dtype).tiny
    blocks.diagonal(dim1=1, dim2=2).add_(shift[:, None])
    return shift


def factored(blocks: Tensor) -> Tensor:
    """Cholesky factors of (n, K, K) blocks; those that rounding left indefinite get the least diagonal that helps.

    Raises:
        FactorError: a block holds a number that is not finite.
    """
    blocks = blocks.clone()
    diagonal = blocks.diagonal(dim1=1, dim2=2)
    extra = 1e-6 * diagonal.mean(dim=1)
    for _ in range(12):  # the last one is a hundred thousand times the block's own diagonal
        factor: Tensor
        factor, failed = torch.linalg.cholesky_ex(blocks)
        if not bool(failed.any()):
            return factor
        diagonal[failed > 0] += extra[failed > 0, None]
        extra *= 10
    raise FactorError("the fit left the range of float32; scale the teacher's table")


def chunked(rows: RowIndex, device: torch.device, weights: Tensor | None = None) -> list[Chunk]:
    """Pieces sorted by their number of terms, so that little is padding.

    Args:
        rows: which units make which row.
        device: where to compute.
        weights: (V,), how much a piece's squared error counts.
    """
    n_terms = torch.from_numpy(rows.n_terms)
    index, amplitude = torch.from_numpy(rows.index), torch.from_numpy(rows.amplitude)
    chunks = []
    for pieces in torch.split(torch.argsort(n_terms, stable=True), CHUNK):
        most = max(1, int(n_terms[pieces[-1]]))
        root = None if weights is None else weights.cpu()[pieces].sqrt()[:, None]
        scaled = amplitude[pieces, :most] if root is None else amplitude[pieces, :most] * root
        moved = (pieces.to(device), index[pieces, :most].to(device), scaled.to(device))
        chunks.append(Chunk(*moved, None if root is None else root.to(device)))
    return chunks
