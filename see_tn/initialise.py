"""A random start whose rows have a promised standard deviation."""

import torch
from torch import Tensor

from see_tn.shapes import ChainShape


def core_std(shape: ChainShape, row_std: float) -> float:
    """The standard deviation of a core's entries that gives rows the standard deviation `row_std`.

    An entry of a row is a sum over terms k and paths p (channels, or values of all bonds) of
    `amplitude[k] * product of O independent entries`. With entries of variance s^2 and P paths its variance is
    `sum(amplitude^2) * P * s^(2 O)`; terms that differ in one unit are uncorrelated. With squared amplitudes that
    sum to 1 this is `row_std^2` for `s = (row_std / sqrt(P))^(1 / O)`.
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
        One tensor per site, (n_units[j], *shape.core_shape(j)).
    """
    std = core_std(shape, row_std)
    device = generator.device if generator is not None else torch.device("cpu")
    return [
        # Drawn in float32 for every type, so that a seed means the same cores.
        (std * torch.randn((n, *shape.core_shape(site)), generator=generator, device=device)).to(dtype)
        for site, n in enumerate(n_units)
    ]
