"""The least-squares problem of a table of cores that several sites read: no longer linear, so solved step by step.

A unit's core may then stand twice in one product. A step is that of Gauss and Newton: the rows are taken as linear
around the old cores, each site's share added up, and the step is halved until the error falls.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from see_tn.chain.entangle import rows_of
from see_tn.chain.shapes import ChainShape
from see_tn.fitting.normal import Chunk, SiteProblem, Target, conjugate_gradient, factored, shifted

HALVINGS = 8  # a step shorter than a 256th changes little; the cores then stay as they are


class SharedProblem:
    """What the fit of one table needs in every sweep.

    Args:
        shape: the chain.
        table: the table's number; at least two sites read it.
        n_units: how many units own a core in it.
        chunks: all pieces.
    """

    def __init__(self, shape: ChainShape, table: int, n_units: int, chunks: Sequence[Chunk]) -> None:
        self.shape = shape
        self.table = table
        sites = [site for site, own in enumerate(shape.tables) if own == table]
        self.sites = [SiteProblem(shape, site, n_units, chunks) for site in sites]
        self.chunks = chunks

    def solve(self, tables: Sequence[Tensor], target: Target, *, steps: int, ridge: float) -> Tensor:
        """The table's new cores: at least as good as the old ones for this target, all other tables as they are.

        Args:
            tables: the cores of all tables.
            target: what the rows should be.
            steps: the most conjugate-gradient steps.
            ridge: weight of the distance to the old cores, relative to the mean diagonal of the blocks.
        """
        first = self.sites[0]
        old = first.as_matrix(tables[self.table])
        step = first.as_core(self._step(tables, old, target, steps=steps, ridge=ridge))
        before = self._error(tables, target)
        for halving in range(HALVINGS):
            new = [core + step / 2**halving if table == self.table else core for table, core in enumerate(tables)]
            if self._error(new, target) <= before:
                return new[self.table]
        return tables[self.table]

    def _step(self, tables: Sequence[Tensor], old: Tensor, target: Target, *, steps: int, ridge: float) -> Tensor:
        cores = [tables[table] for table in self.shape.tables]
        slope = torch.zeros_like(old)
        blocks = old.new_zeros(len(old), old.shape[1], old.shape[1])
        for chunk in self.chunks:
            residual = self._inside(chunk.wanted(target, self.shape.full_width) - self._rows(tables, chunk))
            self._carry_back(slope, residual, cores, chunk)
            for site in self.sites:
                environment = site.environment(cores, chunk)
                site.add_own_blocks(blocks, environment @ environment.mT, chunk)
        shift = shifted(blocks, ridge)
        factor = factored(blocks)

        def normal(vector: Tensor) -> Tensor:
            product = shift[:, None, None] * vector
            for chunk in self.chunks:
                self._carry_back(product, self._inside(self._carried(vector, cores, chunk)), cores, chunk)
            return product

        return conjugate_gradient(normal, slope, lambda residual: torch.cholesky_solve(residual, factor), steps)

    def _carried(self, vector: Tensor, cores: Sequence[Tensor], chunk: Chunk) -> Tensor:
        """What a change (n, K, d) of the cores does to the rows, to first order: (B, full width)."""
        rows = [site.folded(site.gathered(vector, chunk).mT @ site.environment(cores, chunk)) for site in self.sites]
        return torch.stack(rows).sum(dim=0)

    def _carry_back(self, total: Tensor, rows: Tensor, cores: Sequence[Tensor], chunk: Chunk) -> None:
        """Add the transpose of `_carried` to (n, K, d)."""
        for site in self.sites:
            site.scatter(total, site.environment(cores, chunk) @ site.unfolded(rows).mT, chunk)

    def _rows(self, tables: Sequence[Tensor], chunk: Chunk) -> Tensor:
        whole = ChainShape(self.shape.form, self.shape.full_width, self.shape.sites, self.shape.rank, self.shape.shared)
        return rows_of(whole, tables, chunk.index, chunk.amplitude)

    def _inside(self, rows: Tensor) -> Tensor:
        rows[:, self.shape.width :] = 0
        return rows

    def _error(self, tables: Sequence[Tensor], target: Target) -> float:
        width = self.shape.full_width
        parts = (self._inside(chunk.wanted(target, width) - self._rows(tables, chunk)) for chunk in self.chunks)
        return sum(float(part.double().square().sum()) for part in parts)
