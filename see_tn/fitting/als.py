"""Fitting cores to a teacher's table by alternating least squares: one site at a time, no learning rate.

With all sites but one fixed, rows are linear in that site's cores: `row = sum over terms of core x environment`, the
environment being what the other sites' cores contract to. The normal equations of all units are solved by conjugate
gradients, preconditioned with each unit's own block of them; where every piece has one term the blocks are all there
is, and one step is exact. The classical form of a fit for this kind of table is TT-SVD (arXiv 1901.10787), which has
no shared units.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Self

import torch
from torch import Tensor

from see_tn.chain.entangle import rows_of
from see_tn.chain.initialise import directed_cores
from see_tn.chain.row_index import RowIndex, check_rows
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.fitting.normal import SiteProblem, Target, chunked
from see_tn.fitting.quality import CHUNK, Quality, measure
from see_tn.fitting.resume import FitFile, fingerprint
from see_tn.fitting.shared import SharedProblem

LARGEST = 1e36  # that a table's squares may sum up to: products of such sums are still within float32's exponents
LEAST = 1e-30  # but 0: below it squares of small numbers vanish in float32
SAMPLE = 32_768  # rows that the directions of a table are found from


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

    @property
    def solving(self) -> tuple[int, float]:
        """What decides how a sweep is made, and not when the last one is."""
        return (self.steps, self.ridge)


@dataclass(frozen=True)
class Sweep:
    """Where a fit stands after a sweep over all sites; sweep 0 is the start."""

    number: int
    quality: Quality
    seconds: float

    def as_dict(self) -> dict[str, float]:
        """Give plain values, for JSON."""
        return {"number": self.number, **asdict(self.quality), "seconds": self.seconds}

    @classmethod
    def of(cls, values: Mapping[str, float]) -> Self:
        """Undo `as_dict`."""
        quality = Quality(values["relative_error"], values["mean_cosine"])
        return cls(int(values["number"]), quality, values["seconds"])


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

    `cores`: site j is (n_units[j], *shape.core_shape(j)) float32. `offset`: (width,), the mean of the teacher's rows,
    or zeros.
    """

    cores: tuple[Tensor, ...]
    offset: Tensor
    report: FitReport


def fit_als(
    rows: RowIndex,
    teacher: Tensor,
    shape: ChainShape,
    *,
    weights: Tensor | None = None,
    offset: bool = True,
    generator: torch.Generator | None = None,
    options: FitOptions | None = None,
    resume: Path | None = None,
    progress: Callable[[Sweep], None] | None = None,
    clock: Callable[[], float] = perf_counter,
) -> FitResult:
    """Fit cores and an offset to a teacher's table. The error never rises from one sweep to the next.

    Args:
        rows: which units make which row.
        teacher: (V, width), in any float type; computed with in float32.
        shape: the chain.
        weights: (V,), positive: how much a piece's squared error counts, for example a power of its frequency. The
            report's figures are then weighted too.
        offset: whether the mean of the teacher's rows is taken out first; without it the offset is zeros.
        generator: random state of the start, on the CPU; the same state gives the same fit.
        options: when to stop.
        resume: a file that keeps the fit's state after each sweep. If it exists the fit goes on from there, and ends
            with the same factors (on as many threads) as if it had never stopped.
        progress: called after each sweep, and with the start as sweep 0.
        clock: gives seconds.
    Raises:
        FactorError: the teacher's shape does not fit, it or the weights hold a number that does not do, or the file
            to resume from is of another fit.
    """
    options = options or FitOptions()
    teacher = teacher.detach()
    _check(rows, teacher, shape)
    fit = _Fit(rows, teacher, shape, checked_weights(weights, rows.n_pieces), options, offset=offset)
    file = resume and FitFile(resume, fit.fingerprint(generator))
    start = clock()
    state = file.read() if file else None
    if state is None:
        cores, sweeps = directed_cores(shape, rows.n_units, fit.sample(), generator), []
    else:
        cores, sweeps = [core.to(teacher.device) for core in state[0]], [Sweep.of(values) for values in state[1]]
        start -= sweeps[-1].seconds
    for number in count(len(sweeps)):
        if reason := _reason_to_stop(sweeps, options):
            return FitResult(tuple(cores), fit.target.offset, FitReport(tuple(sweeps), reason))
        if number:
            cores = fit.sweep(cores)
        sweeps.append(Sweep(number, fit.quality(cores), clock() - start))
        if file:
            file.write(cores, [sweep.as_dict() for sweep in sweeps])
        if progress is not None:
            progress(sweeps[-1])
    raise AssertionError("unreachable: the number of sweeps ends the loop")


class _Fit:
    """What stays the same from sweep to sweep."""

    def __init__(
        self,
        rows: RowIndex,
        teacher: Tensor,
        shape: ChainShape,
        weights: Tensor | None,
        options: FitOptions,
        *,
        offset: bool,
    ) -> None:
        self.rows, self.shape, self.options = rows, shape, options
        self.weights = None if weights is None else weights.float() / weights.float().mean()
        self.target = Target(teacher, mean_row(teacher, self.weights) if offset else no_offset(teacher))
        self.setting = self.options.solving if offset else (*self.options.solving, "no offset")
        chunks = chunked(rows, teacher.device, self.weights)
        self.problems = [
            SiteProblem(shape, shape.tables.index(table), n_units, chunks)
            if shape.tables.count(table) == 1
            else SharedProblem(shape, table, n_units, chunks)
            for table, n_units in enumerate(rows.n_units)
        ]
        self.index = torch.from_numpy(rows.index).to(teacher.device)
        self.amplitude = torch.from_numpy(rows.amplitude).to(teacher.device)

    def fingerprint(self, generator: torch.Generator | None) -> str:
        state = None if generator is None else generator.get_state().tolist()
        return fingerprint(self.rows, self.target.table, self.weights, self.shape, self.setting, state)

    def sample(self) -> Tensor:
        """Rows of the centred table, evenly spaced: enough to find its directions."""
        rows = self.target.table[:: max(1, len(self.target.table) // SAMPLE)]
        return rows.to(self.target.offset.dtype) - self.target.offset

    def sweep(self, cores: list[Tensor]) -> list[Tensor]:
        # Sums are rounded by the layout in memory: copies of one layout make a resumed fit the same as a whole one.
        cores = [core.clone(memory_format=torch.contiguous_format) for core in cores]
        for table, problem in enumerate(self.problems):
            # A shared table is solved among tables, the table of one site among the cores of all sites.
            given = cores if isinstance(problem, SharedProblem) else [cores[own] for own in self.shape.tables]
            cores[table] = problem.solve(given, self.target, steps=self.options.steps, ridge=self.options.ridge)
        return _levelled(cores, self.shape)

    def quality(self, cores: list[Tensor]) -> Quality:
        pieces = torch.split(torch.arange(self.rows.n_pieces, device=self.index.device), CHUNK)
        fitted = (
            rows_of(self.shape, cores, self.index[part], self.amplitude[part]) + self.target.offset for part in pieces
        )
        return measure(self.target.table, fitted, self.weights)


def mean_row(teacher: Tensor, weights: Tensor | None = None) -> Tensor:
    """The (weighted) mean of a table's rows, (width,) float32, summed in float64 chunk by chunk."""
    weights = None if weights is None else weights / weights.mean()
    total = torch.zeros(teacher.shape[1], dtype=torch.float64, device=teacher.device)
    for start in range(0, len(teacher), CHUNK):
        part = teacher[start : start + CHUNK].double()
        total += part.sum(dim=0) if weights is None else weights[start : start + CHUNK].to(part) @ part
    return (total / len(teacher)).float()


def no_offset(teacher: Tensor) -> Tensor:
    """What is taken from a table's rows where a layer has no offset: zeros, (width,) float32."""
    return torch.zeros(teacher.shape[1], device=teacher.device)


def _reason_to_stop(sweeps: list[Sweep], options: FitOptions) -> str | None:
    if len(sweeps) < 2:
        return None
    gain = sweeps[-2].quality.relative_error - sweeps[-1].quality.relative_error
    if gain < options.tolerance:
        return f"the last sweep gained {gain:.1e}, below the tolerance of {options.tolerance:.1e}"
    if len(sweeps) > options.sweeps:
        return f"all {len(sweeps) - 1} sweeps are done"
    return None


def _levelled(cores: list[Tensor], shape: ChainShape) -> list[Tensor]:
    """The same rows with the same scale at each site, which keeps every site inside the range of float16."""
    scales = torch.stack([core.square().mean().sqrt() for core in cores])
    if not bool((scales > 0).all()):
        return cores
    sites = torch.tensor([shape.tables.count(table) for table in range(len(cores))], device=scales.device)
    level = ((sites * scales.log()).sum() / sites.sum()).exp()
    return [core * (level / scale) for core, scale in zip(cores, scales, strict=True)]


def _check(rows: RowIndex, teacher: Tensor, shape: ChainShape) -> None:
    check_size(teacher, rows.n_pieces, shape.width)
    check_rows(rows, shape)
    check_finite(teacher)


def check_size(teacher: Tensor, n_pieces: int, width: int) -> None:
    """Refuse a teacher's table of another size than the rows ask for.

    Raises:
        FactorError: it is.
    """
    if tuple(teacher.shape) != (n_pieces, width):
        raise FactorError(
            f"the teacher is {tuple(teacher.shape)}, the rows and the shape ask for {(n_pieces, width)}: "
            "give the table of the tokenizer that the rows were built from"
        )


def checked_weights(weights: Tensor | None, n_pieces: int) -> Tensor | None:
    """Give weights of pieces, (V,), in a float type; None stays None.

    Raises:
        FactorError: they are not one positive number for each piece.
    """
    if weights is None:
        return None
    if tuple(weights.shape) != (n_pieces,) or not bool((torch.isfinite(weights) & (weights > 0)).all()):
        raise FactorError(f"weights {tuple(weights.shape)}: give one positive number for each of {n_pieces} pieces")
    return weights if weights.is_floating_point() else weights.float()


def check_finite(teacher: Tensor) -> None:
    """Refuse a teacher's table with a number that is not finite, or so large or small that squares are not told.

    Raises:
        FactorError: there is one; the message names the piece if it can.
    """
    total = 0.0
    for start in range(0, len(teacher), CHUNK):
        total += float(teacher[start : start + CHUNK].double().square().sum())
        finite = torch.isfinite(teacher[start : start + CHUNK]).all(dim=1)
        if not bool(finite.all()):
            piece = start + int((~finite).nonzero()[0])
            raise FactorError(f"teacher: the row of piece {piece} holds a number that is not finite; repair the table")
    if total > LARGEST:
        raise FactorError(f"teacher: squares of its numbers sum up to {total:.1e}, too much for float32; scale it down")
    if 0 < total < LEAST:
        raise FactorError(f"teacher: squares of its numbers sum up to {total:.1e}, too little for float32; scale it up")
