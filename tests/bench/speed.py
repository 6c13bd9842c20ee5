"""Speed and memory beside `nn.Embedding` and the peers, on one thread, all interleaved in one run.

python -m tests.bench.speed [--sizes 32000x512 32064x3072 250000x1024] [--ratios 10 20 40 80] [--runs 15] [--peers]
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import numpy as np
import torch
from torch import Tensor, nn

from see_tn.chain.row_index import RowIndex
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.planning.budget import Budget
from see_tn.planning.products import plan_products
from tests.bench.peers.choose import peers_for
from tests.bench.peers.peer import Peer

BATCH = (16, 128)
PART = 64  # ids at a time for peers
# What compiled code checks of a module's Python state on each call takes 60 microseconds for any module of this depth;
# inside a compiled model it is paid once for all of it, so it is left out here.
COMPILE = {"guard_filter_fn": torch.compiler.skip_guard_on_all_nn_modules_unsafe}


def planned_layer(n_pieces: int, width: int, ratio: float) -> EntangledEmbedding:
    """The form that `see plan --by parameters` recommends, with units drawn at random, each for as many pieces."""
    product = plan_products(n_pieces, width, Budget(ratio, "parameters"))[0].spec.product
    rng = np.random.default_rng(0)
    units = [rng.permutation(np.arange(n_pieces) % n) for n in product.n_units]
    rows = RowIndex.from_unit_rows(np.arange(n_pieces), np.ones(n_pieces, np.float32), np.stack(units, axis=1))
    return EntangledEmbedding(rows, product.shape, generator=torch.Generator().manual_seed(0))


def interleaved(calls: dict[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Median seconds of each call, one of each in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
        call()
    for _ in range(runs):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def parts(module: nn.Module, ids: Tensor) -> list[Tensor]:
    """The batch as one, or in small parts for peers, whose products in between would not fit into the memory."""
    return list(ids.flatten().split(PART)) if isinstance(module, Peer) else [ids]


def looker(module: nn.Module, ids: Tensor) -> Callable[[], None]:
    """A forward pass."""
    batches = parts(module, ids)

    def look() -> None:
        for batch in batches:
            module(batch)

    return look


def stepper(module: nn.Module, ids: Tensor) -> Callable[[], None]:
    """A whole training step: forward, backward, Adam."""
    optimiser = torch.optim.Adam(module.parameters())
    batches = parts(module, ids)

    def step() -> None:
        optimiser.zero_grad()
        for batch in batches:
            module(batch).square().sum().backward()
        optimiser.step()

    return step


def extra_memory(module: nn.Module, ids: Tensor) -> float:
    """Peak memory of a forward and backward pass beyond what was there, gradients included, in outputs of the batch."""
    module.zero_grad(set_to_none=True)
    with torch.profiler.profile(profile_memory=True) as profile:
        rows = module(ids)
        rows.sum().backward()
    held = peak = 0
    for event in sorted(profile.profiler.kineto_results.events(), key=lambda event: event.start_ns()):
        if event.name() == "[memory]":
            held += event.nbytes()
            peak = max(peak, held)
    return peak / rows.nbytes


def measure(n_pieces: int, width: int, ratio: float, runs: int, *, with_peers: bool) -> Iterator[dict[str, object]]:
    """Give a line for each layer."""
    torch.manual_seed(0)
    ids, one = torch.randint(0, n_pieces, BATCH), torch.randint(0, n_pieces, (1,))
    layer, dense = planned_layer(n_pieces, width, ratio), nn.Embedding(n_pieces, width)
    modules: dict[str, nn.Module] = {"dense": dense, "see": layer}
    modules["see, compiled"] = torch.compile(layer, dynamic=False, options=COMPILE)  # type: ignore[assignment]
    if with_peers:
        modules |= {peer.name: peer for peer in peers_for(n_pieces, width, ratio)[1:]}
    with torch.no_grad():
        forward = interleaved({name: looker(m, ids) for name, m in modules.items()}, runs)
        single = interleaved({name: looker(m, one) for name, m in modules.items()}, 10 * runs)
    trained = {name: m for name, m in modules.items() if "compiled" not in name}
    steps = interleaved({name: stepper(m, ids) for name, m in trained.items()}, max(3, runs // 3))
    memory = {name: extra_memory(m, ids) for name, m in trained.items() if name == "see"}
    sparse = planned_layer(n_pieces, width, ratio)
    for table in sparse.product.tables:  # type: ignore[union-attr]
        table.sparse = True
    for name in modules:
        if name != "dense":
            yield {
                "size": f"{n_pieces} x {width}",
                "ratio": ratio,
                "form": name,
                "sites": layer.shape.sites if name.startswith("see") else None,
                "rank": layer.shape.rank if name.startswith("see") else None,
                "forward": round(forward[name] / forward["dense"], 2),
                "one": round(single[name] / single["dense"], 1),
                "step": round(steps[name] / steps["dense"], 3) if name in steps else None,
                "memory": round(memory[name], 1) if name in memory else None,
                "memory_sparse": round(extra_memory(sparse, ids), 1) if name == "see" else None,
                "dense_milliseconds": round(1000 * forward["dense"], 2),
            }
    torch._dynamo.reset()


def main() -> None:
    """Print a line of JSON for each form, size and ratio."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--sizes", nargs="+", default=["32000x512", "32064x3072", "250000x1024"])
    options.add_argument("--ratios", nargs="+", type=float, default=[10, 20, 40, 80])
    options.add_argument("--runs", type=int, default=15)
    options.add_argument("--peers", action="store_true", help="measure the peers too; takes several times as long")
    given = options.parse_args()
    torch.set_num_threads(1)
    for size in given.sizes:
        n_pieces, width = map(int, size.split("x"))
        for ratio in given.ratios:
            for line in measure(n_pieces, width, ratio, given.runs, with_peers=given.peers):
                print(json.dumps(line), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
