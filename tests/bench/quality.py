"""How well a real table is kept at equal bytes: ours and the peers, at each ratio, in one table.

python -m tests.bench.quality [--ratios 10 20 40 80] [--products]
"""

import argparse
import csv
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from scipy.stats import spearmanr
from tokenizers import Tokenizer
from torch import Tensor

from pipelines.build import BuildInputs, build_tables
from pipelines.factor_inputs import read_rows, read_teacher
from see_kb.alignment.units import UnitOptions
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape, balanced_sites
from see_tn.errors import FactorError
from see_tn.fitting.layer import fit_layer
from see_tn.fitting.quality import measure
from see_tn.layer.checkpoint import stored_bytes
from see_tn.planning.baselines import rebuilt
from see_tn.planning.budget import Budget
from see_tn.planning.products import SHARED_BY
from see_tn.planning.weigh import weigh
from tests.bench.peers.tensors import tt_svd, tt_svd_bytes
from tests.shared_data import HOWNET, SIMILARITY, TEACHER, TOKENIZERS


def simlex() -> tuple[Tensor, np.ndarray]:
    """The pairs of SimLex-999 whose words are both single pieces: ids (n, 2), and what people said."""
    vocabulary = Tokenizer.from_file(str(TOKENIZERS[4])).get_vocab()
    with (SIMILARITY / "en_simlex_999.tsv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    pairs = [row for row in rows if row[0] in vocabulary and row[1] in vocabulary]
    ids = torch.tensor([[vocabulary[row[0]], vocabulary[row[1]]] for row in pairs])
    return ids, np.array([float(row[-1]) for row in pairs])


def agreement(table: Tensor) -> float:
    """Spearman correlation of the rows' cosines with SimLex-999."""
    ids, wanted = simlex()
    return float(spearmanr(torch.cosine_similarity(table[ids[:, 0]], table[ids[:, 1]]).numpy(), wanted).statistic)


def ours(teacher: Tensor, rows: RowIndex, ratio: float, terms: str) -> tuple[dict[str, object], Tensor]:
    """What `see init --terms TERMS` fits."""
    start = time.perf_counter()
    kinds = ("codes", "both", "products") if terms == "auto" else (terms,)
    shape = ChainShape("cp", teacher.shape[1], balanced_sites(teacher.shape[1], rows.order), 1)
    best = weigh(rows, shape, teacher, Budget(ratio, "bytes", "int8"), kinds=kinds)[0]
    layer = fit_layer(best.spec, rows, teacher).layer
    seconds = round(time.perf_counter() - start, 1)
    table = layer.materialise().detach()
    return {"method": f"see, {terms}: {best.name}", "bytes": stored_bytes(layer), "seconds": seconds}, table


def tables_at(
    teacher: Tensor, rows: RowIndex, ratio: float, *, products: bool
) -> Iterator[tuple[dict[str, object], Tensor]]:
    """Every method at a ratio, with the table that it gives back."""
    budget = int(teacher.nbytes / ratio)
    yield ours(teacher, rows, ratio, "auto")
    if products:
        with suppress(FactorError):  # on these rows not even one channel may fit
            yield ours(teacher, rows, ratio, "products")
    for method, table in rebuilt(teacher, budget):
        if method.bytes <= budget:
            yield {"method": f"{method.name} ({method.note})", "bytes": method.bytes}, table
    rank = max(rank for rank in range(1, 400) if tt_svd_bytes(*teacher.shape, rank) + 4 * teacher.shape[1] <= budget)
    mean = teacher.mean(dim=0)
    table, size = tt_svd(teacher - mean, rank)
    yield {"method": f"TT-SVD, float32 (rank {rank})", "bytes": size + mean.nbytes}, table + mean


def main() -> None:
    """Print a line of JSON for each ratio and method."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--ratios", nargs="+", type=float, default=[10, 20, 40, 80])
    options.add_argument("--products", action="store_true", help="fit products alone too")
    given = options.parse_args()
    teacher = torch.from_numpy(read_teacher(TEACHER))
    print(json.dumps({"method": "the table itself", "simlex": round(agreement(teacher), 3)}), flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory() as place:
        units = UnitOptions(order=2, max_terms=1, units=len(teacher) // SHARED_BY)
        rows = read_rows(
            build_tables(BuildInputs((HOWNET,), TOKENIZERS[4], units=units), Path(place) / "tables").folder
        )
    for ratio in given.ratios:
        for line, table in tables_at(teacher, rows, ratio, products=given.products):
            quality = measure(teacher, table)
            figures = {
                "ratio": ratio,
                **line,
                "reached": round(teacher.nbytes / int(str(line["bytes"])), 1),
                "relative_error": round(quality.relative_error, 3),
                "cosine": round(quality.mean_cosine, 3),
                "simlex": round(agreement(table), 3),
            }
            print(json.dumps(figures), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
