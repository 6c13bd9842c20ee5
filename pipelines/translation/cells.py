"""The cells of the benchmark's table: what is trained, how, and in which order."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.init import check_seed
from pipelines.translation.corpus import PAIRS
from pipelines.translation.model import ModelSize
from see_kb.errors import SeeError
from see_tn.planning.budget import By

Way = Literal["scratch", "two-stage"]

GRID: tuple[tuple[str, Way, By], ...] = (
    ("see", "two-stage", "bytes"),
    ("pq", "two-stage", "bytes"),
    ("word2ketxs", "two-stage", "bytes"),
    ("see", "two-stage", "parameters"),
    ("units", "two-stage", "parameters"),
    ("shuffled", "two-stage", "parameters"),
    ("random", "two-stage", "parameters"),
    ("low-rank", "two-stage", "parameters"),
    ("word2ketxs", "two-stage", "parameters"),
    ("morphte", "two-stage", "parameters"),
    ("see", "scratch", "bytes"),
    ("word2ketxs", "scratch", "bytes"),
    ("see", "scratch", "parameters"),
    ("units", "scratch", "parameters"),
    ("shuffled", "scratch", "parameters"),
    ("random", "scratch", "parameters"),
    ("low-rank", "scratch", "parameters"),
    ("word2ketxs", "scratch", "parameters"),
    ("morphte", "scratch", "parameters"),
)
"""The rows of the table at each ratio."""

SIZES = {
    "small": ModelSize(width=64, heads=4, inner=256),
    "base": ModelSize(),
    "large": ModelSize(width=256, heads=4, inner=1024),
}
REFERENCE = SIZES["base"].width
"""The width that a recipe's learning rates are for."""


@dataclass(frozen=True)
class Recipe:
    """How cells are trained.

    Learning rates are those of models of the reference width; others take them times that by their own width, as Adam
    needs it (Yang et al., arXiv 2203.03466).

    Attributes:
        epochs: of models from scratch, the dense one among them.
        stage_1: epochs of stage 1.
        stage_2: epochs of stage 2.
        rate: the highest learning rate from scratch.
        rate_1: that of stage 1.
        rate_2: that of stage 2.
        warmup: steps over which a rate rises, a fifth of all at most.
        smoothing: of labels.
        positions: the most positions of a batch.
        n_pieces: of a pair's vocabulary.
        sentences: the first ones of each text that are read; None for all.
    """

    epochs: float = 5.0
    stage_1: float = 0.5
    stage_2: float = 2.0
    rate: float = 4e-3
    rate_1: float = 4e-3
    rate_2: float = 8e-3
    warmup: int = 400
    smoothing: float = 0.1
    positions: int = 1280
    n_pieces: int = 8000
    sentences: int | None = None


@dataclass(frozen=True)
class Preset:
    """What a benchmark runs where nothing else is said; no forms are all of them."""

    recipe: Recipe
    pairs: tuple[str, ...]
    ratios: tuple[float, ...]
    forms: tuple[str, ...] = ()


PRESETS = {
    "night": Preset(Recipe(), tuple(PAIRS), (20, 80, 10, 40)),
    "long": Preset(Recipe(stage_2=4), tuple(PAIRS), (80,), ("see", "pq")),
    "quick": Preset(Recipe(epochs=1, stage_1=0.25, stage_2=0.5), ("de-en",), (20,), ("see",)),
}


@dataclass(frozen=True)
class Cell:
    """One trained model of the table; `ratio` 1 is the dense one, which two stages only train further."""

    pair: str
    form: str
    way: Way
    ratio: float
    by: By
    seed: int
    size: str = "base"

    @property
    def name(self) -> str:
        """A folder's name."""
        dense = "dense" if self.way == "scratch" else "dense-two-stage"
        what = dense if self.form == "dense" else f"{self.form}-{self.way}-{self.ratio:g}-{self.by}"
        return f"{self.pair}-{self.size}-{what}-seed{self.seed}"

    @property
    def dense(self) -> "Cell":
        """The dense model of the same size and seed, the teacher of two-stage cells."""
        return Cell(self.pair, "dense", "scratch", 1, "parameters", self.seed, self.size)


def all_cells(
    pairs: Sequence[str],
    ratios: Sequence[float],
    seeds: Sequence[int],
    forms: Sequence[str] = (),
    ways: Sequence[str] = (),
    sizes: Sequence[str] = ("base",),
) -> Iterator[Cell]:
    """Give the cells in the order in which they are best run: what is compared stands together.

    Raises:
        SeeError: a pair, form, way or size is unknown, a ratio makes nothing smaller, or a seed is out of range.
    """
    known = {
        "pair": (pairs, tuple(PAIRS)),
        "form": (forms, ("dense", *dict.fromkeys(form for form, _, _ in GRID))),
        "way": (ways, ("scratch", "two-stage")),
        "size": (sizes, tuple(SIZES)),
    }
    for kind, (given, names) in known.items():
        if wrong := [name for name in given if name not in names]:
            raise SeeError(f"{wrong[0]!r}: no such {kind}; take one of {', '.join(names)}")
    if small := [ratio for ratio in ratios if not 1 < ratio < math.inf]:
        raise SeeError(f"a ratio of {small[0]:g}; give ratios above 1, the dense model is trained without one")
    for seed in seeds:
        check_seed(seed)
    for seed in seeds:
        for size in sizes:
            for pair in pairs:
                yield Cell(pair, "dense", "scratch", 1, "parameters", seed, size)
                if (not forms or "dense" in forms) and (not ways or "two-stage" in ways):
                    yield Cell(pair, "dense", "two-stage", 1, "parameters", seed, size)
            for ratio in ratios:
                for form, way, by in GRID:
                    if (forms and form not in forms) or (ways and way not in ways):
                        continue
                    for pair in pairs:
                        yield Cell(pair, form, way, ratio, by, seed, size)
