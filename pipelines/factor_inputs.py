"""What factors are made from: a teacher's table or a text, a folder's rows of units, and how often pieces occur."""

from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pipelines.parallel_text import read_lines
from see_kb.errors import FormatError, SeeError
from see_kb.tables.manifest import read_manifest, tokenizer_copy
from see_kb.tables.store import read_table
from see_kb.tables.unit_matrix import read_unit_matrix
from see_kb.vocabulary.encoders import read_encoder
from see_kb.vocabulary.piece_vectors import check_vectors, piece_vectors
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, Form, balanced_sites


def read_teacher(path: Path, tensor: str | None = None) -> NDArray[np.float32]:
    """Read a table (V, d) from a `.npy` file or, by name, from a `.safetensors` file.

    Raises:
        SeeError: the file cannot be read, or does not hold the tensor.
        FormatError: it is damaged, or what it holds is no table of numbers.
    """
    if not path.is_file():
        raise SeeError(f"{path}: no such file; name a .npy or .safetensors file")
    if tensor is not None and path.suffix != ".safetensors":
        raise SeeError(f"{path}: holds one array without a name; leave out --tensor")
    table = _read_safetensors(path, tensor) if path.suffix == ".safetensors" else _read_npy(path)
    if table.ndim != 2 or table.size == 0 or table.dtype.kind not in "fiu":
        raise FormatError(f"{path}: {table.dtype} of shape {table.shape}; give a table (pieces, width) of numbers")
    return np.array(table, dtype=np.float32, order="C")  # a copy: a memory map is not writable


def read_text_vectors(tables: Path, text: Path, width: int, seed: int) -> NDArray[np.float32]:
    """Give the pieces of a folder of tables vectors from their units and from a text, see `piece_vectors`.

    Args:
        tables: a folder made by `build_tables`.
        text: UTF-8, plain or `.gz`; lines are read apart.
        width: columns of the vectors.
        seed: equal seeds give equal vectors.
    Returns:
        (V, width), with a standard deviation of 1.
    Raises:
        SeeError: a file cannot be read, the tokenizer cuts no text, the text is too little, or the width too large.
        FormatError: a file is damaged, or the tokenizer in the folder is not the one of its tables.
    """
    if read_manifest(tables)["tokenizer"]["format"] == "vocab.json":
        raise SeeError(f"{tables}: built from a plain vocabulary, which cuts no text; build from the tokenizer itself")
    units = read_unit_matrix(tables)
    check_vectors(units.shape[0], width, seed)
    texts = read_encoder(tokenizer_copy(tables), special=False)(read_lines(text, blank=True))
    try:
        return piece_vectors(texts, units, width, seed)
    except SeeError as error:
        raise SeeError(f"{text}: {error}") from error


def read_rows(tables: Path, sharing: tuple[int, ...] = ()) -> RowIndex:
    """Read which units make which row from a folder of tables.

    Args:
        tables: a folder made by `build_tables`.
        sharing: which table of cores each site reads; without it, each its own.
    Raises:
        SeeError: the folder holds no tables, or damaged ones.
    """
    table = read_table(tables, "unit_rows")
    unit_ids = table.column("unit_ids").combine_chunks()
    return RowIndex.from_unit_rows(
        table.column("piece_id").to_numpy(),
        table.column("amplitude").to_numpy(),
        unit_ids.flatten().to_numpy().reshape(len(unit_ids), unit_ids.type.list_size),
        sharing,
    )


def read_shape(tables: Path, width: int, form: Form = "cp", *, shared: bool = False) -> ChainShape:
    """The chain of rank 1 that a width is split over, with as many sites as a folder's rows have.

    Raises:
        SeeError: there are more sites than columns.
    """
    order = int(read_table(tables, "unit_rows").schema.field("unit_ids").type.list_size)
    if width < order:
        raise SeeError(f"a width of {width} cannot be split over {order} sites; give a larger width")
    return ChainShape(form, width, balanced_sites(width, order), 1, shared)


def read_weights(tables: Path, power: float) -> Tensor:
    """Weights of pieces by how often they occur: (count + 1) to a power, (V,) float64.

    Frequencies may be shares of a text: the rarest piece of those that occur counts once.

    Raises:
        SeeError: the tables were built without frequencies.
    """
    frequencies = read_table(tables, "frequencies").sort_by("piece_id")
    if not frequencies.num_rows:
        raise SeeError(f"{tables}: no frequencies; build the tables with --frequency, or leave the power at 0")
    shares = frequencies.column("frequency").to_numpy()
    least = shares[shares > 0].min(initial=np.inf)
    return torch.from_numpy((shares / least + 1.0) ** power)


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
