"""Do meanings help? Products alone on real units, and on the same units dealt out to the pieces at random.

python -m tests.bench.units [--ratio 20] [--seeds 5] [--order 3] [--max-terms 4]
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_rows, read_teacher
from see_kb.alignment.units import UnitOptions
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, balanced_sites
from see_tn.fitting.als import fit_als
from see_tn.planning.budget import Budget, shape_for_ratio
from tests.shared_data import HOWNET, TEACHER, TOKENIZERS


def shuffled(rows: RowIndex, seed: int) -> RowIndex:
    """The same rows, each given to another piece."""
    order = np.random.default_rng(seed).permutation(rows.n_pieces)
    return RowIndex(rows.index[order], rows.amplitude[order], rows.n_units, rows.tables)


def main() -> None:
    """Print the errors of both, seed by seed, and their difference."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ratio", type=float, default=20)
    options.add_argument("--seeds", type=int, default=5)
    options.add_argument("--order", type=int, default=3)
    options.add_argument("--max-terms", type=int, default=4)
    given = options.parse_args()
    teacher = torch.from_numpy(read_teacher(TEACHER))
    with tempfile.TemporaryDirectory() as place:
        units = UnitOptions(order=given.order, max_terms=given.max_terms)
        tables = build_tables(BuildInputs((HOWNET,), TOKENIZERS[4], units=units), Path(place) / "tables").folder
        rows = read_rows(tables)
    start = ChainShape("cp", teacher.shape[1], balanced_sites(teacher.shape[1], given.order), 1)
    shape = shape_for_ratio(rows, start, Budget(given.ratio, "parameters"))
    errors: dict[str, list[float]] = {"real": [], "shuffled": []}
    for seed in range(given.seeds):
        for name, used in (("real", rows), ("shuffled", shuffled(rows, seed))):
            fit = fit_als(used, teacher, shape, generator=torch.Generator().manual_seed(seed))
            errors[name].append(round(fit.report.quality.relative_error, 4))
    differences = np.array(errors["shuffled"]) - np.array(errors["real"])
    print(  # noqa: T201
        json.dumps(
            {
                **vars(given),
                "rank": shape.rank,
                "n_units": rows.n_units,
                **errors,
                "difference": round(float(differences.mean()), 4),
                "spread": round(float(differences.std(ddof=1)), 4),
            }
        )
    )


if __name__ == "__main__":
    main()
