"""What a ratio buys, before anything is made: the forms that were weighed, and the commands that make the best one."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.factor_inputs import read_rows, read_shape
from see_kb.errors import SeeError
from see_tn.layer.spec import ProductSpec
from see_tn.planning.alternative import Alternative
from see_tn.planning.budget import Budget
from see_tn.planning.codes import code_shapes, coded_spec
from see_tn.planning.products import plan_products, units_of_a_site
from see_tn.planning.weigh import weigh

TYPICAL_PARTS = {8: 4, 4: 2}
"""Numbers for each code, by its bits, that are shown where no table is given to measure on."""


@dataclass(frozen=True)
class Plan:
    """The ways to spend a budget, the recommended one first, and what to do next."""

    n_pieces: int
    width: int
    budget: Budget
    alternatives: tuple[Alternative, ...]
    advice: str

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON."""
        return {
            "pieces": self.n_pieces,
            "width": self.width,
            "ratio": self.budget.ratio,
            "by": self.budget.by,
            "storage": self.budget.storage,
            "alternatives": [alternative.as_dict() for alternative in self.alternatives],
            "advice": self.advice,
        }


def make_plan(n_pieces: int, width: int, budget: Budget, n_terms: int = 1) -> Plan:
    """Plan factors for a table of which only the size is known.

    Products come first, the one of least work leading; behind them, where bytes are counted, codes for a table that
    is pretrained.

    Args:
        n_pieces: V.
        width: d.
        budget: how much the layer may take.
        n_terms: terms of a row, its form term included.
    Raises:
        FactorError: nothing fits the budget.
    """
    products = plan_products(n_pieces, width, budget, n_terms=n_terms)
    product = products[0].spec.product
    advice = _advice(product, width, budget, n_terms) if product else ""
    alternatives = [replace(products[0], note="the least work for a row"), *products[1:]]
    if budget.by == "bytes":
        alternatives += _coded(n_pieces, width, budget)
    return Plan(n_pieces, width, budget, tuple(alternatives), advice)


def _advice(product: ProductSpec, width: int, budget: Budget, n_terms: int) -> str:
    """The commands that make a product."""
    shape, units = product.shape, units_of_a_site(product.shape, max(product.n_units))
    sememes = (
        "# sememes of sense terms come on top of --units: lower it by as many as a site of the tables has\n"
        if n_terms > 1
        else ""
    )
    return (
        f"{sememes}see build --tokenizer TOKENIZER --order {shape.order} --units {units} --max-terms {n_terms} "
        f"--out TABLES\nsee init TABLES --width {width} --ratio {budget.ratio:g} --by {budget.by} "
        f"--form {shape.form}{' --shared' if shape.shared else ''} --dtype {budget.storage}"
    )


def measure_plan(tables: Path, teacher: NDArray[np.float32], budget: Budget, seed: int = 0) -> Plan:
    """Plan factors for a pretrained table, each alternative measured on it with little effort.

    Args:
        tables: a folder made by `build_tables` for the teacher's tokenizer.
        teacher: (V, d).
        budget: how much the layer may take, by bytes.
        seed: of the quick fits.
    Raises:
        SeeError: the tables cannot be used, or are of another vocabulary.
        FactorError: nothing fits the budget.
    """
    shape = read_shape(tables, teacher.shape[1])
    rows = read_rows(tables)
    if rows.n_pieces != len(teacher):
        raise SeeError(f"{tables}: {rows.n_pieces} pieces, the teacher has {len(teacher)} rows; build its tokenizer's")
    alternatives = weigh(rows, shape, torch.from_numpy(teacher), budget, seed=seed)
    best = alternatives[0].spec
    terms = "both" if best.product and best.codes else "codes" if best.codes else "products"
    advice = f"see init {tables} --teacher TEACHER --ratio {budget.ratio:g} --dtype {budget.storage} --terms {terms}"
    return Plan(len(teacher), teacher.shape[1], budget, tuple(alternatives), advice)


def _coded(n_pieces: int, width: int, budget: Budget) -> list[Alternative]:
    return [
        Alternative(coded_spec(None, n_pieces, shape, budget), 0, note="for a pretrained table")
        for shape in code_shapes(None, n_pieces, width, budget, 0)
        if shape.part_width == TYPICAL_PARTS[shape.bits]
    ]
