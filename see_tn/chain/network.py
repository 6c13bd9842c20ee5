"""The network as a physicist states it: nodes and edges in `tensornetwork`, one row at a time.

This is the independent judge of `see_tn.chain.entangle`, slow and plain; tests hold the fast path against it.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import tensornetwork as tn
import torch
from torch import Tensor

from see_tn.chain.shapes import ChainShape


def row_nodes(shape: ChainShape, cores: Sequence[Tensor]) -> list[Any]:
    """One term's chain of connected nodes, one for each site; edge 1 of each node dangles.

    Args:
        shape: the chain.
        cores: one unit's core per site, of shape `shape.core_shape(j)`.
    """
    tensors = [_site_tensor(shape, core, site) for site, core in enumerate(cores)]
    nodes = [tn.Node(tensor, name=f"site {site}", backend="pytorch") for site, tensor in enumerate(tensors)]
    for left, right in pairwise(nodes):
        tn.connect(left[2], right[0])
    return nodes


def network_row(shape: ChainShape, cores: Sequence[Tensor], index: Tensor, amplitude: Tensor) -> Tensor:
    """One row as the sum of its terms' contracted chains.

    Args:
        shape: the chain.
        cores: table t is (n_units[t], *shape.table_shapes[t]).
        index: (T, O) integers, the row's units.
        amplitude: (T,).
    Returns:
        (width,)
    """
    row = cores[0].new_zeros(shape.full_width)
    for term in range(index.shape[0]):
        nodes = row_nodes(shape, [cores[table][int(index[term, site])] for site, table in enumerate(shape.tables)])
        edges = [nodes[0][0], *(node[1] for node in nodes), nodes[-1][2]]
        chain = nodes[0] if len(nodes) == 1 else tn.contractors.optimal(nodes, output_edge_order=edges)
        row = row + amplitude[term] * chain.tensor.reshape(-1)
    return row[: shape.width]


def _site_tensor(shape: ChainShape, core: Tensor, site: int) -> Tensor:
    """(left bond, d, right bond): in the CP form diagonal in its two bonds, summed where the chain ends."""
    if shape.form == "mps":
        return core
    tensor = torch.diag_embed(core.T).permute(1, 0, 2)
    if site == 0:
        tensor = tensor.sum(dim=0, keepdim=True)
    if site == shape.order - 1:
        tensor = tensor.sum(dim=2, keepdim=True)
    return tensor
