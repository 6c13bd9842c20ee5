"""A layer's sizes without its numbers: what a config holds, what a layer is rebuilt from, and what it costs."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.codes import CodeShape, CodeTerms
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.product import ProductTerms, core_numbers
from see_tn.layer.tables import SCALE_TYPE

FLOATS = {
    str(dtype).removeprefix("torch."): dtype for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
}
INT8 = "int8"

FORMAT = "see_tn factors"
FORMAT_NUMBER = 2

Tensors = dict[str, tuple[torch.dtype, tuple[int, ...]]]
"""Type and shape of tensors by name."""


def row_dtype(storage: str) -> str:
    """The type of the rows of terms that are stored in a type."""
    return "float32" if storage == INT8 else storage


@dataclass(frozen=True)
class ProductSpec:
    """The sizes of a layer's products: `n_terms` is the padded number of terms, `n_units` has a count per table.

    `unit_amplitudes` says that every row has one term of amplitude 1, so that none are kept.
    """

    shape: ChainShape
    n_terms: int
    n_units: tuple[int, ...]
    unit_amplitudes: bool = False


@dataclass(frozen=True)
class LayerSpec:
    """The sizes of a layer, plain enough for JSON.

    `dtype` is the type of the rows; `int8` says whether terms are kept in 8 bits.

    Raises:
        FactorError: there is no term, or widths differ, or a name or a size is out of range.
    """

    n_pieces: int
    width: int
    dtype: str = "float32"
    int8: bool = False
    padding_idx: int | None = None
    offset: bool = False
    product: ProductSpec | None = None
    codes: CodeShape | None = None

    def __post_init__(self) -> None:
        widths = {part.width for part in (self.codes, self.product and self.product.shape) if part}
        if widths != {self.width} or self.n_pieces < 1:
            raise FactorError(f"{self.n_pieces} pieces and terms of the widths {sorted(widths)}, not {self.width}")
        if self.dtype not in FLOATS:
            raise FactorError(f"dtype is {self.dtype!r}; take one of {', '.join(FLOATS)}")
        if self.padding_idx is not None and not 0 <= self.padding_idx < self.n_pieces:
            raise FactorError(f"padding_idx is {self.padding_idx} of {self.n_pieces} pieces; name one of them")

    @property
    def storage(self) -> str:
        """The type that terms are stored in."""
        return INT8 if self.int8 else self.dtype

    @property
    def parameters(self) -> int:
        """Trained numbers, as papers count them: cores, codewords, basis and offset."""
        numbers = self.width if self.offset else 0
        if self.product:
            numbers += self.product.shape.parameters(self.product.n_units)
        return numbers + (self.codes.parameters if self.codes else 0)

    @property
    def tensors(self) -> Tensors:
        """The tensors of a checkpoint, but for those of the products' index."""
        sizes: dict[str, tuple[int, int]] = {}
        if self.product:
            cores = zip(self.product.n_units, core_numbers(self.product.shape), strict=True)
            sizes |= {f"product.tables.{table}": size for table, size in enumerate(cores)}
        found: Tensors = {}
        if self.codes:
            parts, words, part_width = self.codes.codebook_shape
            sizes["codes.codebook"] = (parts, words * part_width)
            if self.codes.blocks:
                sizes["codes.basis"] = (prod(self.codes.basis_shape[:2]), self.codes.basis_shape[2])
            found["codes.codes"] = (torch.uint8, (self.n_pieces, self.codes.code_bytes))
        for name, size in sizes.items():
            if self.int8:
                found |= {f"{name}.codes": (torch.int8, size), f"{name}.scale": (SCALE_TYPE, size[:1])}
            else:
                found[f"{name}.weight"] = (FLOATS[self.dtype], size)
        if self.offset:
            found["offset"] = (SCALE_TYPE if self.int8 else FLOATS[self.dtype], (self.width,))
        return found

    def stored_bytes(self, index_bytes: int) -> int:
        """Bytes of the whole checkpoint, a few too many; `index_bytes` are those of the products' index.

        With codes alone there are at most 64 too many, with products a header of 100 bytes for each index tensor.
        """
        tensors = self.tensors
        content = index_bytes + sum(prod(shape) * dtype.itemsize for dtype, shape in tensors.values())
        # What safetensors writes before the tensors, each as if it were the last one, in whole 8 bytes.
        offsets = [content, content]
        entries = {
            name: {"dtype": "BF16", "shape": shape, "data_offsets": offsets} for name, (_, shape) in tensors.items()
        }
        header = 16 + len(json.dumps(entries, separators=(",", ":")))
        if self.product:
            header += 100 * (3 + self.product.shape.order)
        return content + header + len(config_text(self, 64 * "0"))

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Undo `as_dict`, also after a way through JSON.

        Raises:
            FactorError: a value is missing, unknown, or of the wrong type.
        """
        try:
            product, codes = values["product"], values["codes"]
            parts: dict[str, Any] = {"product": None, "codes": None}
            if product is not None:
                shape = ChainShape(**{**product["shape"], "sites": tuple(product["shape"]["sites"])})
                parts["product"] = ProductSpec(**{**product, "shape": shape, "n_units": tuple(product["n_units"])})
            if codes is not None:
                parts["codes"] = CodeShape(**codes)
            spec = cls(**{**values, **parts})
        except (TypeError, KeyError, AttributeError) as error:
            raise FactorError(f"not the sizes of a layer ({error}); take them from LayerSpec.as_dict") from error
        _check_types(spec)
        return spec


def config_text(spec: LayerSpec, sha256: str) -> str:
    """What `config.json` of a checkpoint says."""
    config = {"format": FORMAT, "format_number": FORMAT_NUMBER, "layer": spec.as_dict(), "sha256": sha256}
    return json.dumps(config, indent=2) + "\n"


def _check_types(spec: LayerSpec) -> None:
    """Refuse what JSON lets through: numbers that are no integers, and flags that are no booleans."""
    product = spec.product
    integers = [spec.n_pieces, spec.width, *([] if spec.padding_idx is None else [spec.padding_idx])]
    flags = [spec.int8, spec.offset]
    if product:
        shape = product.shape
        integers += [product.n_terms, *product.n_units, shape.width, shape.rank, *shape.sites]
        flags += [product.unit_amplitudes, shape.shared]
    if spec.codes:
        integers += asdict(spec.codes).values()
    wrong = [value for value in integers if type(value) is not int]
    wrong += [value for value in flags if type(value) is not bool]
    if wrong:
        raise FactorError(f"sizes hold {wrong[0]!r} where an integer or a boolean is due")
    if product and (
        min(product.n_terms, *product.n_units) < 1 or len(product.n_units) != len(product.shape.table_shapes)
    ):
        raise FactorError(f"n_terms {product.n_terms} and n_units {product.n_units} do not fit {product.shape}")


def spec_of(layer: EntangledEmbedding) -> LayerSpec:
    """Read the sizes of a layer."""
    product = None
    if layer.product is not None:
        terms = layer.product
        product = ProductSpec(terms.shape, terms.index.shape[2], terms.n_units, terms.amplitude is None)
    return LayerSpec(
        n_pieces=layer.num_embeddings,
        width=layer.embedding_dim,
        dtype=str(layer.dtype).removeprefix("torch."),
        int8=layer.is_quantised,
        padding_idx=layer.padding_idx,
        offset=layer.offset is not None,
        product=product,
        codes=None if layer.codes is None else layer.codes.shape,
    )


def empty_layer(spec: LayerSpec, device: torch.device | str = "cpu") -> EntangledEmbedding:
    """Make a layer of these sizes whose numbers are zeros, to be filled by `load_state_dict`."""
    dtype = FLOATS[spec.dtype]
    offset = torch.zeros(spec.width, dtype=dtype, device=device) if spec.offset else None
    product = None if spec.product is None else _empty_product(spec.n_pieces, spec.product, dtype, device)
    codes = None if spec.codes is None else _empty_codes(spec.n_pieces, spec.codes, dtype, device)
    layer = EntangledEmbedding.from_terms(product, codes, offset, padding_idx=spec.padding_idx)
    return layer.quantise() if spec.int8 else layer


def _empty_product(n_pieces: int, spec: ProductSpec, dtype: torch.dtype, device: torch.device | str) -> ProductTerms:
    amplitude = np.ones if spec.unit_amplitudes else np.zeros
    rows = RowIndex(
        np.zeros((n_pieces, spec.n_terms, spec.shape.order), np.int32),
        amplitude((n_pieces, spec.n_terms), np.float32),
        spec.n_units,
        spec.shape.tables,
    )
    shapes = zip(spec.n_units, spec.shape.table_shapes, strict=True)
    return ProductTerms(rows, spec.shape, [_zeros((n, *shape), dtype, device) for n, shape in shapes])


def _empty_codes(n_pieces: int, shape: CodeShape, dtype: torch.dtype, device: torch.device | str) -> CodeTerms:
    codes = torch.zeros(n_pieces, shape.code_bytes, dtype=torch.uint8, device=device)
    basis = _zeros(shape.basis_shape, dtype, device) if shape.blocks else None
    return CodeTerms(shape, codes, _zeros(shape.codebook_shape, dtype, device), basis)


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | str) -> Tensor:
    return torch.zeros(shape, dtype=dtype, device=device)
