"""Fitting cores to a teacher's table by alternating least squares: one site at a time, no learning rate.

With all sites but one fixed, rows are linear in that site's cores: `row = sum over terms of core x environment`, the
environment being what the other sites' cores contract to. The normal equations of all units are solved by conjugate
gradients, preconditioned with each unit's own block of them; where every piece has one term the blocks are all there
is, and one step is exact. The classical form of a fit for this kind of table is TT-SVD (arXiv 1901.10787), which has
no shared units.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from time import perf_counter

import torch
from torch import Tensor

from see_tn.chain.entangle import rows_of
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.fitting.initialise import directed_cores
from see_tn.fitting.normal import SiteProblem
from see_tn.fitting.quality import CHUNK, Quality, measure


@dataclass(frozen=True)
class FitOptions:
    """When a fit stops, and how hard each site is solved.

    `sweeps` is the most sweeps over all sites; a fit ends earlier when a sweep lowers the relative error by less than
    `tolerance`. `steps` is the most conjugate-gradient steps per site: on a table of 30,522 x 384 with up to four
    terms, 2, 4 and 10 steps ended within .0003 of each other. `ridge` keeps a site near its last cores, as a
    fraction of its blocks' mean diagonal.
    """

    sweeps: int = 20
    tolerance: float = 1e-4
    steps: int = 2
    ridge: float = 1e-6

    def __post_init__(self) -> None:
        if self.sweeps < 1 or self.steps < 1 or self.tolerance < 0 or self.ridge < 0:
            raise FactorError(f"{self}: sweeps and steps are at least 1, tolerance and ridge at least 0")


@dataclass(frozen=True)
class Sweep:
    """Where a fit stands after a sweep over all sites; sweep 0 is the start."""

    number: int
    quality: Quality
    seconds: float


@dataclass(frozen=True)
class FitReport:
    """All sweeps, and why there are no more of them."""

    sweeps: tuple[Sweep, ...]
    stopped_because: str

    @property
    def quality(self) -> Quality:
        """The fit's final quality."""
        return self.sweeps[-1].quality

    @property
    def seconds(self) -> float:
        """The time of the whole fit."""
        return self.sweeps[-1].seconds


@dataclass(frozen=True, eq=False)
class FitResult:
    """Fitted factors; `EntangledEmbedding.from_cores` takes them.

    `cores`: site j is (n_units[j], *shape.core_shape(j)) float32. `offset`: (width,), the mean of the teacher's rows.
    """

    cores: tuple[Tensor, ...]
    offset: Tensor
    report: FitReport


def fit_als(
    rows: RowIndex,
    teacher: Tensor,
    shape: ChainShape,
    *,
    generator: torch.Generator | None = None,
    options: FitOptions | None = None,
    progress: Callable[[Sweep], None] | None = None,
    clock: Callable[[], float] = perf_counter,
) -> FitResult:
    """Fit cores and an offset to a teacher's table. The error never rises from one sweep to the next.

    Args:
        rows: which units make which row.
        teacher: (V, width); computed with in float32.
        shape: the chain.
        generator: random state of the start, on the CPU; the same state gives the same fit.
        options: when to stop.
        progress: called after each sweep, and with the start as sweep 0.
        clock: gives seconds.
    Raises:
        FactorError: the teacher's shape does not fit, or it holds a number that is not finite.
    """
    options = options or FitOptions()
    teacher = teacher.detach().float()
    _check(rows, teacher, shape)
    start = clock()
    offset = teacher.mean(dim=0)
    centred = teacher - offset
    cores = directed_cores(shape, rows.n_units, centred, generator)
    problems = [SiteProblem(rows, shape, site, teacher.device) for site in range(shape.order)]
    index = torch.from_numpy(rows.index).to(teacher.device)
    amplitude = torch.from_numpy(rows.amplitude).to(teacher.device)
    sweeps: list[Sweep] = []
    for number in count():
        if number:
            for site, problem in enumerate(problems):
                cores[site] = problem.solve(cores, centred, steps=options.steps, ridge=options.ridge)
            cores = _levelled(cores)
        pieces = torch.split(torch.arange(rows.n_pieces, device=teacher.device), CHUNK)
        fitted = (rows_of(shape, cores, index[part], amplitude[part]) + offset for part in pieces)
        sweeps.append(Sweep(number, measure(teacher, fitted), clock() - start))
        if progress is not None:
            progress(sweeps[-1])
        if reason := _reason_to_stop(sweeps, options):
            return FitResult(tuple(cores), offset, FitReport(tuple(sweeps), reason))
    raise AssertionError("unreachable: the number of sweeps ends the loop")


def _reason_to_stop(sweeps: list[Sweep], options: FitOptions) -> str | None:
    if len(sweeps) < 2:
        return None
    gain = sweeps[-2].quality.relative_error - sweeps[-1].quality.relative_error
    if gain < options.tolerance:
        return f"the last sweep gained {gain:.1e}, below the tolerance of {options.tolerance:.1e}"
    if len(sweeps) > options.sweeps:
        return f"all {options.sweeps} sweeps are done"
    return None


def _levelled(cores: list[Tensor]) -> list[Tensor]:
    """The same rows with the same scale at each site, which keeps every site inside the range of float16."""
    scales = torch.stack([core.square().mean().sqrt() for core in cores])
    if not bool((scales > 0).all()):
        return cores
    level = scales.log().mean().exp()
    return [core * (level / scale) for core, scale in zip(cores, scales, strict=True)]


def _check(rows: RowIndex, teacher: Tensor, shape: ChainShape) -> None:
    if tuple(teacher.shape) != (rows.n_pieces, shape.width):
        raise FactorError(
            f"the teacher is {tuple(teacher.shape)}, the rows and the shape ask for {(rows.n_pieces, shape.width)}: "
            "give the table of the tokenizer that the rows were built from"
        )
    if rows.order != shape.order:
        raise FactorError(f"rows of {rows.order} sites and a shape of {shape.order}; build them with one order")
    if not bool(torch.isfinite(teacher).all()):
        piece = int((~torch.isfinite(teacher)).any(dim=1).nonzero()[0])
        raise FactorError(f"teacher: the row of piece {piece} holds a number that is not finite; repair the table")
