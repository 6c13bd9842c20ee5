"""One way to spend a budget: sizes and costs, and where a teacher was given, how far it is from it."""

from dataclasses import dataclass, replace
from math import prod
from typing import Any

from see_tn.chain.shapes import dense_bytes
from see_tn.layer.codes import CodeShape
from see_tn.layer.spec import LayerSpec, ProductSpec


@dataclass(frozen=True)
class Alternative:
    """A layer that keeps to a budget.

    Attributes:
        spec: its sizes.
        index_bytes: what the index of its products takes when stored.
        relative_error: measured on a teacher's table with little effort, pieces weighed as in the fit, or None.
        note: why it was chosen, or what speaks against it.
    """

    spec: LayerSpec
    index_bytes: int
    relative_error: float | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """What it is, in a few words."""
        parts = []
        if self.spec.product:
            shape = self.spec.product.shape
            parts.append(f"{shape.form} {'×'.join(map(str, shape.sites))}, rank {shape.rank}")
            parts[-1] += ", one table" if shape.shared else ""
        if self.spec.codes:
            codes = self.spec.codes
            parts.append(f"{codes.parts} codes of {codes.bits} bits{'' if codes.blocks else ', no basis'}")
        return " + ".join(parts)

    @property
    def bytes(self) -> int:
        """Everything that is stored."""
        return self.spec.stored_bytes(self.index_bytes)

    @property
    def code_share(self) -> float:
        """The part of the bytes that codes, codewords and basis take."""
        if self.spec.codes is None:
            return 0.0
        if self.spec.product is None:
            return 1.0
        without = replace(self.spec, codes=None).stored_bytes(self.index_bytes)
        return 1 - without / self.bytes

    @property
    def work(self) -> float:
        """Multiply-adds and gathered numbers of a row, per column: about what its forward pass costs."""
        return row_work(self.spec.product, self.spec.codes) / self.spec.width

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON and for tables."""
        product = self.spec.product
        return {
            "name": self.name,
            "bytes": self.bytes,
            "ratio": dense_bytes(self.spec.n_pieces, self.spec.width) / self.bytes,
            "parameters": self.spec.parameters,
            "parameter_ratio": self.spec.n_pieces * self.spec.width / self.spec.parameters,
            "order": product.shape.order if product else None,
            "units_per_site": max(product.n_units) if product else None,
            "code_share": self.code_share,
            "work_per_column": self.work,
            "relative_error": self.relative_error,
            "note": self.note,
        }


def row_work(product: ProductSpec | None, codes: CodeShape | None) -> int:
    """Multiply-adds of a row and the numbers gathered for it."""
    work = 0
    if product:
        gathered = sum(prod(product.shape.core_shape(site)) for site in range(product.shape.order))
        work += product.n_terms * gathered + product.shape.multiply_adds(product.n_terms)
    return work + (codes.multiply_adds + codes.numbers if codes else 0)
