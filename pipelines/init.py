"""From tables to factors: the shape for a ratio, a start or a fit, and what others reach with the same bytes."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from see_kb.errors import FormatError, SeeError
from see_kb.tables.manifest import read_manifest
from see_kb.tables.store import read_table
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, Form, balanced_sites, dense_bytes
from see_tn.fitting.als import FitOptions, FitReport, Sweep, fit_als
from see_tn.fitting.quality import measure
from see_tn.layer.checkpoint import check_unsaved, save_embedding, stored_bytes
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.planning.baselines import Method, compare
from see_tn.planning.budget import By, shape_for_ratio

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
DTypeName = Literal["float32", "bfloat16", "float16"]
REPORT = "report.json"

MIN_RATIO = 0.1
"""Factors ten times the size of the table are no use; much larger ones do not fit into memory."""


@dataclass(frozen=True)
class InitOptions:
    """What factors are asked for.

    `ratio` compares with the dense float32 table: by `bytes` everything stored counts, by `parameters` only the
    numbers of the cores and the offset, as papers count. `row_std` is the standard deviation of random rows.
    """

    ratio: float = 20.0
    by: By = "bytes"
    form: Form = "cp"
    dtype: DTypeName = "bfloat16"
    seed: int = 0
    row_std: float = 0.02
    fit: FitOptions = field(default_factory=FitOptions)

    def __post_init__(self) -> None:
        if not 0 < self.row_std < math.inf:
            raise SeeError(f"row_std is {self.row_std}; give a positive number")
        if not 0 <= self.seed < 2**31:
            raise SeeError(f"seed is {self.seed}; give a number from 0 to {2**31 - 1}")
        if not MIN_RATIO <= self.ratio < math.inf:
            raise SeeError(f"the ratio is {self.ratio}; give a number from {MIN_RATIO} on")


@dataclass(frozen=True)
class InitReport:
    """The factors' shape and size and, where a teacher was given, how well they fit it, beside other methods."""

    folder: Path
    n_pieces: int
    shape: ChainShape
    n_units: tuple[int, ...]
    parameters: int
    parameter_ratio: float
    index_bytes: int
    budget_bytes: int
    made: Method
    tables_sha256: str
    options: InitOptions
    baselines: tuple[Method, ...] = ()
    fit: FitReport | None = None

    def as_dict(self) -> dict[str, Any]:
        """Give the report as plain values, for JSON."""
        return {**asdict(self), "folder": str(self.folder)}


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
        SeeError: the tables cannot be used.
        FactorError: the ratio cannot be reached, or `out` cannot be written.
    """
    plan = _Plan.of(tables, out, width, options or InitOptions(), fitted=False, overwrite=overwrite)
    layer = EntangledEmbedding(
        plan.rows, plan.shape, row_std=plan.options.row_std, generator=plan.generator(), dtype=plan.dtype
    )
    report = plan.report(plan.method("random"))
    _save(layer, report, overwrite=overwrite)
    return report


def init_fitted(
    tables: Path,
    out: Path,
    teacher: NDArray[np.float32],
    options: InitOptions | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[Sweep], None] | None = None,
) -> InitReport:
    """Fit factors to a teacher's table by alternating least squares, and measure other methods at the same bytes.

    Args:
        tables: a folder made by `build_tables` for the teacher's tokenizer.
        out: the folder to make: a saved `EntangledEmbedding` with a report beside it.
        teacher: (V, d), as `read_teacher` gives it.
        options: what factors are asked for.
        overwrite: whether older factors may be replaced.
        progress: called after each sweep of the fit.
    Raises:
        SeeError: the tables cannot be used.
        FactorError: the teacher does not fit the tables, the ratio cannot be reached, or `out` cannot be written.
    """
    plan = _Plan.of(tables, out, teacher.shape[1], options or InitOptions(), fitted=True, overwrite=overwrite)
    table = torch.from_numpy(teacher)
    fit = fit_als(plan.rows, table, plan.shape, generator=plan.generator(), options=plan.options.fit, progress=progress)
    layer = EntangledEmbedding.from_cores(plan.rows, plan.shape, fit.cores, fit.offset).to(plan.dtype)
    with torch.no_grad():
        quality = measure(table, layer.float().materialise())
    layer.to(plan.dtype)
    made = replace(plan.method("fitted"), **asdict(quality))
    baselines = tuple(compare(table, plan.budget, plan.options.seed))
    report = replace(plan.report(made), baselines=baselines, fit=fit.report)
    _save(layer, report, overwrite=overwrite)
    return report


def read_teacher(path: Path, tensor: str | None = None) -> NDArray[np.float32]:
    """Read a table (V, d) from a `.npy` file or, by name, from a `.safetensors` file.

    Raises:
        SeeError: the file cannot be read, or does not hold the tensor.
        FormatError: it is damaged, or what it holds is no table of numbers.
    """
    if not path.is_file():
        raise SeeError(f"{path}: no such file; name a .npy or .safetensors file")
    table = _read_safetensors(path, tensor) if path.suffix == ".safetensors" else _read_npy(path)
    if table.ndim != 2 or table.size == 0 or table.dtype.kind not in "fiu":
        raise FormatError(f"{path}: {table.dtype} of shape {table.shape}; give a table (pieces, width) of numbers")
    return np.array(table, dtype=np.float32, order="C")  # a copy: a memory map is not writable


def read_rows(tables: Path) -> RowIndex:
    """Read which units make which row from a folder of tables.

    Raises:
        SeeError: the folder holds no tables, or damaged ones.
    """
    table = read_table(tables, "unit_rows")
    unit_ids = table.column("unit_ids").combine_chunks()
    return RowIndex.from_unit_rows(
        table.column("piece_id").to_numpy(),
        table.column("amplitude").to_numpy(),
        unit_ids.flatten().to_numpy().reshape(len(unit_ids), unit_ids.type.list_size),
    )


@dataclass(frozen=True)
class _Plan:
    """Everything that is known before a number is computed."""

    tables: Path
    out: Path
    rows: RowIndex
    shape: ChainShape
    options: InitOptions
    fitted: bool

    @classmethod
    def of(cls, tables: Path, out: Path, width: int, options: InitOptions, *, fitted: bool, overwrite: bool) -> "_Plan":
        check_unsaved(out, {REPORT}, overwrite=overwrite)
        rows = read_rows(tables)
        if width < rows.order:
            raise SeeError(f"a width of {width} cannot be split over {rows.order} sites; give a larger width")
        start = ChainShape(options.form, width, balanced_sites(width, rows.order), 1)
        dtype = DTYPES[options.dtype]
        shape = shape_for_ratio(rows, start, options.ratio, by=options.by, dtype=dtype, offset=fitted)
        return cls(tables, out, rows, shape, options, fitted)

    @property
    def dtype(self) -> torch.dtype:
        return DTYPES[self.options.dtype]

    @property
    def dense(self) -> int:
        return dense_bytes(self.rows.n_pieces, self.shape.width)

    @property
    def bytes(self) -> int:
        return stored_bytes(self.rows, self.shape, self.dtype, offset=self.fitted)

    @property
    def budget(self) -> int:
        """The bytes that other methods may take: the ratio's, or where parameters were counted, ours."""
        return int(self.dense / self.options.ratio) if self.options.by == "bytes" else self.bytes

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.options.seed)

    def method(self, start: str) -> Method:
        size = self.bytes
        return Method(f"{self.options.form} factors, {start}, {self.options.dtype}", size, self.dense / size)

    def report(self, made: Method) -> InitReport:
        parameters = self.shape.parameters(self.rows.n_units) + (self.shape.width if self.fitted else 0)
        return InitReport(
            folder=self.out,
            n_pieces=self.rows.n_pieces,
            shape=self.shape,
            n_units=self.rows.n_units,
            parameters=parameters,
            parameter_ratio=self.rows.n_pieces * self.shape.width / parameters,
            index_bytes=self.rows.stored_bytes(),
            budget_bytes=self.budget,
            made=made,
            tables_sha256=read_manifest(self.tables)["tables"]["unit_rows"]["sha256"],
            options=self.options,
        )


def _save(layer: EntangledEmbedding, report: InitReport, *, overwrite: bool) -> None:
    content = {**report.as_dict(), "folder": report.folder.name}  # the file says nothing of the machine
    text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
    save_embedding(layer, report.folder, overwrite=overwrite, notes={REPORT: text.encode()})


def _read_npy(path: Path) -> NDArray[Any]:
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError, BadZipFile) as error:
        raise FormatError(
            f"{path}: no .npy file with a plain array ({error}); save the table with numpy.save"
        ) from error


def _read_safetensors(path: Path, tensor: str | None) -> NDArray[Any]:
    try:
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            name = tensor or (names[0] if len(names) == 1 else None)
            if name not in names:
                shown = ", ".join(names[:8])
                raise SeeError(f"{path}: holds the tensors {shown}; name the table with --tensor")
            return np.asarray(file.get_tensor(name).float().numpy())
    except SafetensorError as error:
        raise FormatError(f"{path}: damaged ({error}); save the table anew") from error
