"""From tables to factors: the sizes for a ratio, a start or a fit, and what others reach with the same bytes."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pipelines.factor_inputs import read_rows, read_shape, read_weights
from see_kb.errors import SeeError
from see_kb.tables.manifest import rows_digest
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, Form, dense_bytes
from see_tn.fitting.als import FitOptions, FitReport, Sweep
from see_tn.fitting.codes import CodeOptions
from see_tn.fitting.layer import LayerFitOptions, fit_layer
from see_tn.layer.checkpoint import check_unsaved, save_embedding, stored_bytes
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.spec import FLOATS, INT8, LayerSpec, row_dtype, spec_of
from see_tn.planning.alternative import Alternative
from see_tn.planning.baselines import Method, compare
from see_tn.planning.budget import Budget, By, Storage, layer_spec, shape_for_ratio
from see_tn.planning.codes import Purpose
from see_tn.planning.weigh import Kind, weigh

Terms = Literal["auto", "products", "codes", "both"]
KINDS: dict[Terms, tuple[Kind, ...]] = {
    "auto": ("codes", "both", "products"),
    "codes": ("codes",),
    "both": ("both",),
}
REPORT = "report.json"

SEEDS = 2**31
"""Seeds are smaller than this: faiss, which learns codes, takes no larger ones."""

MIN_RATIO = 0.1
"""Factors ten times the size of the table are no use; much larger ones do not fit into memory."""


def check_seed(seed: int) -> None:
    """Refuse a seed that codes cannot be learned with.

    Raises:
        SeeError: it is out of range.
    """
    if not 0 <= seed < SEEDS:
        raise SeeError(f"seed is {seed}; give a number from 0 to {SEEDS - 1}")


def check_ratio(ratio: float) -> None:
    """Refuse a ratio that no factors are made for.

    Raises:
        SeeError: it is too small, or no number.
    """
    if not MIN_RATIO <= ratio < math.inf:
        raise SeeError(f"the ratio is {ratio}; give a number from {MIN_RATIO} on")


@dataclass(frozen=True)
class InitOptions:
    """What factors are asked for.

    `ratio` compares with the dense float32 table: by `bytes` everything stored counts, by `parameters` only trained
    numbers, as papers count. `storage` is the type of the terms. `terms` says what a fitted row is a sum of: products
    of units' cores, learned codes, both, or whatever is measured to fit best at this budget (`auto`; by parameters,
    which codes are not, products). `shared` gives a unit one core for all sites of equal size. `row_std` is the
    standard deviation of random rows. `frequency_power` weighs pieces by their frequency to that power. `purpose`
    says whether factors are used as they are, trained further with their model, or start a model that has no teacher.
    """

    ratio: float = 20.0
    by: By = "bytes"
    form: Form = "cp"
    storage: Storage = "int8"
    terms: Terms = "auto"
    shared: bool = False
    seed: int = 0
    row_std: float = 0.02
    frequency_power: float = 0.0
    fit: FitOptions = field(default_factory=FitOptions)
    purpose: Purpose = "use"

    def __post_init__(self) -> None:
        if not 0 < self.row_std < math.inf:
            raise SeeError(f"row_std is {self.row_std}; give a positive number")
        check_seed(self.seed)
        check_ratio(self.ratio)
        if not 0 <= self.frequency_power <= 1:
            raise SeeError(f"frequency_power is {self.frequency_power}; give a number from 0 to 1")
        if self.by == "parameters" and self.with_codes:
            raise SeeError("codes are no parameters; ask for a ratio by bytes, or for products")

    @property
    def with_codes(self) -> bool:
        """Whether learned codes are asked for by name: they need a teacher's table, and are no parameters."""
        return self.terms in ("codes", "both")

    @property
    def only_products(self) -> bool:
        """Whether nothing but products of units is made: they need no table to start from."""
        return self.terms == "products" or self.by == "parameters"

    @property
    def budget(self) -> Budget:
        """How much the layer may take."""
        return Budget(self.ratio, self.by, self.storage)


@dataclass(frozen=True)
class InitReport:
    """The factors' sizes and, where a teacher was given, how well they fit it, beside other methods and splits."""

    folder: Path
    spec: LayerSpec
    index_bytes: int
    budget_bytes: int
    made: Method
    tables_sha256: str
    options: InitOptions
    weighed: tuple[Alternative, ...] = ()
    baselines: tuple[Method, ...] = ()
    fit: FitReport | None = None

    @property
    def parameter_ratio(self) -> float:
        """Numbers of the dense table for each trained number."""
        return self.spec.n_pieces * self.spec.width / self.spec.parameters

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values, for JSON."""
        return {
            **asdict(self),
            "folder": str(self.folder),
            "parameters": self.spec.parameters,
            "parameter_ratio": self.parameter_ratio,
            "weighed": [alternative.as_dict() for alternative in self.weighed],
        }


def init_random(
    tables: Path, out: Path, width: int, options: InitOptions | None = None, *, overwrite: bool = False
) -> InitReport:
    """Make factors that start at random, for training without a teacher's table.

    Args:
        tables: a folder made by `build_tables`.
        out: the folder to make: a saved `EntangledEmbedding` with a report beside it.
        width: columns of the table that the factors stand for.
        options: what factors are asked for.
        overwrite: whether older factors may be replaced.
    Raises:
        SeeError: the tables cannot be used, codes are asked for, or rows are beyond the type.
        FactorError: the ratio cannot be reached, or `out` cannot be written.
    """
    options = options or InitOptions(storage="bfloat16")
    if options.with_codes:
        raise SeeError("codes are learned from a teacher's table; factors that start at random are products")
    plan = _Plan.of(tables, out, width, options, overwrite=overwrite)
    shape = shape_for_ratio(plan.rows, plan.shape, plan.options.budget, offset=False)
    layer = EntangledEmbedding(
        plan.rows,
        shape,
        row_std=plan.options.row_std,
        generator=torch.Generator().manual_seed(plan.options.seed),
        dtype=FLOATS[row_dtype(plan.options.storage)],
    )
    if not all(bool(torch.isfinite(core).all()) for core in layer.cores):
        raise SeeError(
            f"row_std is {plan.options.row_std:g}, beyond what {plan.options.storage} holds; give a smaller one"
        )
    if plan.options.storage == INT8:
        layer.quantise()
    report = plan.report(layer, "random")
    _save(layer, report, overwrite=overwrite)
    return report


def init_fitted(
    tables: Path,
    out: Path,
    teacher: NDArray[np.float32],
    options: InitOptions | None = None,
    *,
    overwrite: bool = False,
    baselines: bool = True,
    resume: Path | None = None,
    progress: Callable[[Sweep], None] | None = None,
    says: Callable[[str], None] = lambda _: None,
) -> InitReport:
    """Fit factors to a teacher's table, and measure other splits and other methods at the same bytes.

    Args:
        tables: a folder made by `build_tables` for the teacher's tokenizer.
        out: the folder to make: a saved `EntangledEmbedding` with a report beside it.
        teacher: (V, d), as `read_teacher` gives it.
        options: what factors are asked for.
        overwrite: whether older factors may be replaced.
        baselines: whether other methods are measured at the same bytes.
        resume: a file that keeps the state of the products' fit; it is removed when the factors are saved.
        progress: called after each sweep of the products' fit.
        says: called with what is done next.
    Raises:
        SeeError: the tables cannot be used.
        FactorError: the teacher does not fit the tables, the ratio cannot be reached, or `out` cannot be written.
    """
    plan = _Plan.of(tables, out, teacher.shape[1], options or InitOptions(), overwrite=overwrite)
    table = torch.from_numpy(teacher)
    weights = plan.weights()
    weighed = plan.alternatives(table, weights, says)
    says("fitting")
    fitted = fit_layer(
        weighed[0].spec,
        plan.rows,
        table,
        weights=weights,
        options=LayerFitOptions(plan.options.fit, CodeOptions(seed=plan.options.seed)),
        resume=resume,
        progress=progress,
    )
    report = replace(
        plan.report(fitted.layer, "fitted", astuple(fitted.quality)),
        weighed=tuple(weighed),
        fit=fitted.report,
    )
    if baselines:
        says("measuring other methods")
        report = replace(report, baselines=tuple(compare(table, report.budget_bytes, plan.options.seed)))
    _save(fitted.layer, report, overwrite=overwrite)
    if resume is not None and fitted.report is not None:  # without products nothing was kept there
        resume.unlink(missing_ok=True)
    return report


@dataclass(frozen=True)
class _Plan:
    """Everything that is known before a number is computed."""

    tables: Path
    out: Path
    rows: RowIndex
    shape: ChainShape
    options: InitOptions

    @classmethod
    def of(cls, tables: Path, out: Path, width: int, options: InitOptions, *, overwrite: bool) -> "_Plan":
        check_unsaved(out, {REPORT}, overwrite=overwrite)
        shape = read_shape(tables, width, options.form, shared=options.shared)
        return cls(tables, out, read_rows(tables, shape.tables), shape, options)

    def weights(self) -> Tensor | None:
        power = self.options.frequency_power
        return read_weights(self.tables, power) if power else None

    def alternatives(self, table: Tensor, weights: Tensor | None, says: Callable[[str], None]) -> list[Alternative]:
        """What is to be fitted, and behind it what it was weighed against."""
        options = self.options
        if options.only_products:
            shape = shape_for_ratio(self.rows, self.shape, options.budget)
            spec = layer_spec(self.rows, shape, options.storage, offset=True)
            return [Alternative(spec, self.rows.stored_bytes(), note="as asked for")]
        return weigh(
            self.rows,
            self.shape,
            table,
            options.budget,
            kinds=KINDS[options.terms],
            weights=weights,
            purpose=options.purpose,
            seed=options.seed,
            progress=lambda text: says(f"weighing {text}"),
        )

    def report(self, layer: EntangledEmbedding, start: str, quality: tuple[float, float] | None = None) -> InitReport:
        spec, size = spec_of(layer), stored_bytes(layer)
        dense = dense_bytes(spec.n_pieces, spec.width)
        index_bytes = 0 if spec.product is None else self.rows.stored_bytes()
        name = f"{Alternative(spec, index_bytes).name}, {start}, {spec.storage}"
        # Other methods may take the ratio's bytes or, where parameters were counted, ours.
        budget = int(dense / self.options.ratio) if self.options.by == "bytes" else size
        return InitReport(
            folder=self.out,
            spec=spec,
            index_bytes=index_bytes,
            budget_bytes=budget,
            made=Method(name, size, dense / size, *(quality or ())),
            tables_sha256=rows_digest(self.tables),
            options=self.options,
        )


def _save(layer: EntangledEmbedding, report: InitReport, *, overwrite: bool) -> None:
    content = {**report.as_dict(), "folder": report.folder.name}  # the file says nothing of the machine
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    save_embedding(layer, report.folder, overwrite=overwrite, notes={REPORT: text.encode()})
