"""A fit at 250,000 x 1,024: seconds and peak memory of each kind of terms, and of a fit that was killed on the way.

python -m tests.bench.large_fit [--terms products codes] [--ratio 20] [--sweeps 20] [--kill]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

N_PIECES, WIDTH = 250_000, 1_024
MEASURED = """
import json, os, re, signal, sys, time
from pathlib import Path
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
import numpy as np, torch
from safetensors.torch import save
from see_tn.chain.row_index import RowIndex
from see_tn.fitting.layer import LayerFitOptions, fit_layer
from see_tn.layer.checkpoint import save_embedding, stored_bytes
from see_tn.layer.spec import LayerSpec
from see_tn.planning.budget import Budget, layer_spec, shape_for_ratio
from see_tn.planning.codes import best_codes, code_shapes, coded_spec
from see_tn.planning.products import plan_products
from see_tn.fitting.als import FitOptions, mean_row
from see_tn.fitting.layer import residual
from tests.bench.large_fit import N_PIECES, WIDTH, large_table, large_rows

terms, ratio, kill, sweeps = sys.argv[1], float(sys.argv[2]), int(sys.argv[4]), int(sys.argv[6])
resume, out = Path(sys.argv[3]), Path(sys.argv[5])
budget = Budget(ratio, "bytes", "int8")
teacher = large_table()
start = time.perf_counter()
rows = None
if terms == "products":
    rows = large_rows(plan_products(N_PIECES, WIDTH, budget, offset=True)[0].spec.product)
    shape = plan_products(N_PIECES, WIDTH, budget, offset=True)[0].spec.product.shape
    spec = layer_spec(rows, shape_for_ratio(rows, shape, budget), "int8", offset=True)
else:
    left = residual(teacher, None, mean_row(teacher))
    shape, _ = best_codes(list(code_shapes(None, N_PIECES, WIDTH, budget, 0)), left, int8=True)
    del left
    spec = coded_spec(None, N_PIECES, shape, budget)
def progress(sweep):
    sys.stderr.write(f"sweep {sweep.number}: {sweep.quality.relative_error:.4f}, {sweep.seconds:.0f} s\\n")
    if sweep.number == kill:
        os.kill(os.getpid(), signal.SIGKILL)
fitted = fit_layer(spec, rows, teacher, options=LayerFitOptions(FitOptions(sweeps=sweeps)),
                   resume=resume if terms == "products" else None, progress=progress)
save_embedding(fitted.layer, out)
seconds = time.perf_counter() - start
peak = int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 2**20
size = stored_bytes(fitted.layer)
print(json.dumps({"terms": terms, "seconds": round(seconds), "peak_gib": round(peak, 2), "bytes": size,
                  "ratio": round(4 * N_PIECES * WIDTH / size, 1),
                  "relative_error": round(fitted.quality.relative_error, 4),
                  "sweeps": fitted.report and fitted.report.sweeps[-1].number}))
"""


def large_table():
    """A table whose variances fall with their rank to the power -.7, as those of real tables about do: seed 0."""
    import torch

    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=generator)).Q
    scale = torch.arange(1, WIDTH + 1) ** -0.35
    table = torch.empty(N_PIECES, WIDTH)
    for start in range(0, N_PIECES, 10_000):
        table[start : start + 10_000] = (torch.randn(10_000, WIDTH, generator=generator) * scale) @ turn
    return table


def large_rows(product):
    """Units drawn at random, each for as many pieces: seed 0."""
    import numpy as np

    from see_tn.chain.row_index import RowIndex

    rng = np.random.default_rng(0)
    units = [rng.permutation(np.arange(N_PIECES) % n) for n in product.n_units]
    return RowIndex.from_unit_rows(np.arange(N_PIECES), np.ones(N_PIECES, np.float32), np.stack(units, axis=1))


def run(terms: str, given: argparse.Namespace, out: Path, kill: int = -1) -> dict[str, object] | None:
    """Fit in a process of its own; with `kill` it is killed after that sweep and gives nothing."""
    numbers = (str(out.parent / "fit.safetensors"), str(kill), str(out), str(given.sweeps))
    command = [sys.executable, "-c", MEASURED, terms, str(given.ratio), *numbers]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=kill < 0)
    return json.loads(process.stdout) if kill < 0 else None


def main() -> None:
    """Print a line of JSON for each fit."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--terms", nargs="+", default=["products", "codes"], choices=["products", "codes"])
    options.add_argument("--ratio", type=float, default=20)
    options.add_argument("--sweeps", type=int, default=20)
    options.add_argument("--kill", action="store_true", help="kill a second fit of products after sweep 2, go on")
    given = options.parse_args()
    for terms in given.terms:
        with tempfile.TemporaryDirectory() as name:
            place = Path(name)
            figures = run(terms, given, place / "whole")
            if given.kill and terms == "products":
                (place / "fit.safetensors").unlink()
                run(terms, given, place / "killed", kill=2)
                run(terms, given, place / "resumed")
                whole, resumed = (place / name / "factors.safetensors" for name in ("whole", "resumed"))
                figures = {**figures, "resumed_is_the_same": whole.read_bytes() == resumed.read_bytes()}
            print(json.dumps(figures), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
