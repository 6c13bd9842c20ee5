"""Starts: random cores whose rows have a promised standard deviation, and cores along the directions of a table."""

import torch
from torch import Tensor
from torch.nn import functional as F

from see_tn.chain.shapes import ChainShape

# Noise on the common directions, relative to them: without any all units would stay equal. On a table of 30,522 x 384
# fits in four shapes ended .001 to .005 below the error that they reached from a random start.
NOISE = 0.3


def core_std(shape: ChainShape, row_std: float) -> float:
    """The standard deviation of a core's entries that gives rows the standard deviation `row_std`.

    An entry of a row is a sum over terms k and paths p (channels, or values of all bonds) of
    `amplitude[k] * product of O independent entries`. With entries of variance s^2 and P paths its variance is
    `sum(amplitude^2) * P * s^(2 O)`; terms that differ in one unit are uncorrelated. With squared amplitudes that
    sum to 1 this is `row_std^2` for `s = (row_std / sqrt(P))^(1 / O)`. A row whose sites all read the same core of a
    shared table comes out longer: its products are then of equal entries, not of independent ones.
    """
    return float((row_std / shape.paths**0.5) ** (1 / shape.order))


def random_cores(
    shape: ChainShape,
    n_units: tuple[int, ...],
    row_std: float,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
) -> list[Tensor]:
    """Normal cores for every unit, on the generator's device; see `core_std` for their scale.

    Returns:
        One tensor per table, (n_units[t], *shape.table_shapes[t]).
    """
    std = core_std(shape, row_std)
    device = generator.device if generator is not None else torch.device("cpu")
    return [
        # Drawn in float32 for every type, so that a seed means the same cores.
        (std * torch.randn((n, *core), generator=generator, device=device)).to(dtype)
        for n, core in zip(n_units, shape.table_shapes, strict=True)
    ]


def directed_cores(
    shape: ChainShape, n_units: tuple[int, ...], table: Tensor, generator: torch.Generator | None = None
) -> list[Tensor]:
    """Cores along the directions of a centred table, with noise that tells the units apart.

    At each site (of those that share cores, the first) the principal axes of the table are computed, all other
    sites' columns taken as observations (the factor matrices of the higher-order SVD). Each channel, or pair of bond
    values, gets one of the axes, common to all units, by a draw with the axes' variances as weights.

    Args:
        shape: the chain.
        n_units: units per table.
        table: (V, width), of mean zero.
        generator: random state, on the CPU.
    Returns:
        One tensor per table of cores, (n_units[t], *shape.table_shapes[t]), on the table's device.
    """
    # A table without variance has no directions, and no scale either.
    row_std = float(table.square().mean().sqrt()) or 1.0
    noise = random_cores(shape, n_units, row_std, generator)
    unfolded = F.pad(table, (0, shape.full_width - shape.width)).reshape(-1, *shape.sites)
    cores = []
    for table_of_cores, core in enumerate(noise):
        site = shape.tables.index(table_of_cores)
        columns = unfolded.movedim(site + 1, 0).flatten(1)
        variances, axes = torch.linalg.eigh((columns @ columns.T).cpu())
        weights = variances.clamp_min(0) + 1e-6 * variances.max().clamp_min(1e-30)
        d, places = shape.sites[site], core[0].numel() // shape.sites[site]
        drawn = torch.multinomial(weights, places, replacement=True, generator=generator)
        common = axes[:, drawn] * d**0.5 * core_std(shape, row_std)  # (d, places)
        common = common.T if shape.form == "cp" else common.reshape(d, *core.shape[1::2]).transpose(0, 1)
        cores.append((common + NOISE * core).to(table.device))
    return cores
