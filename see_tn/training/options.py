"""How a stage is trained: steps, learning rate, batches, and when it is saved and judged."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from see_tn.errors import FactorError

Schedule = Literal["constant", "linear", "cosine", "inverse-sqrt"]


@dataclass(frozen=True)
class Optimisation:
    """AdamW (Loshchilov & Hutter, arXiv 1711.05101) with a warm-up, for a number of steps.

    Attributes:
        steps: updates of the weights; with 0 the stage is left out.
        rate: the highest learning rate.
        warmup: steps over which the rate rises to it.
        schedule: what the rate does then; `linear` and `cosine` end at 0 after `steps`.
        clip: the largest norm of all gradients together; 0 and infinity leave them.
        decay: weight decay of tensors with two dimensions or more.
        betas: of Adam's two means.
        save_every: steps between checkpoints; 0 saves at the end of the stage only.
        judge_every: steps between measurements on texts kept apart; 0 measures at the end only.
        patience: measurements without a better one after which the stage ends; 0 never ends it early.
    """

    steps: int
    rate: float = 1e-3
    warmup: int = 0
    schedule: Schedule = "linear"
    clip: float = 1.0
    decay: float = 0.0
    betas: tuple[float, float] = (0.9, 0.98)
    save_every: int = 500
    judge_every: int = 500
    patience: int = 0

    def __post_init__(self) -> None:
        numbers = (self.steps, self.warmup, self.decay, self.save_every, self.judge_every, self.patience)
        fine = all(0 <= number < math.inf for number in numbers) and self.clip >= 0 and 0 < self.rate < math.inf
        if self.schedule not in get_args(Schedule):
            raise FactorError(f"schedule is {self.schedule!r}; take one of {', '.join(get_args(Schedule))}")
        if self.patience and not self.judge_every:
            raise FactorError("patience counts measurements, and judge_every is 0; give the steps between them")
        if not (fine and all(0 <= beta < 1 for beta in self.betas)):
            raise FactorError(
                f"{self}: numbers are not negative, all but clip finite, the rate is positive and betas are below 1"
            )

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, which counts from 0."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        factors = {
            "constant": 1.0,
            "linear": 1 - done,
            "cosine": (1 + math.cos(math.pi * done)) / 2,
            "inverse-sqrt": math.sqrt(max(1, self.warmup) / (step + 1)),
        }
        return self.rate * factors[self.schedule]
