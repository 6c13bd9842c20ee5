"""The loop: one stage of training on however many processes there are, saved as it goes, resumed exactly.

Nothing of a step depends on the steps before it but weights and optimiser: batches, dropout and drawn rows come from
the seed and the step's number. Needs the extra `hf` (accelerate).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import Tensor, nn

from see_tn.errors import FactorError
from see_tn.training.batches import Batches
from see_tn.training.objectives import CrossEntropy, Objective
from see_tn.training.options import Optimisation
from see_tn.training.records import Records
from see_tn.training.state import Checkpoints, Progress, Snapshot, Sums

Shows = Callable[[int, str], None]
"""Told the updates that are done, and the last numbers in words."""


@dataclass(frozen=True, eq=False)
class Run:
    """What the stages of a run share.

    Attributes:
        accelerator: the processes, devices and precision.
        seed: of dropout and drawn rows.
        checkpoints: where the run is saved, or None.
        records: where its numbers go.
        log_every: steps between lines of numbers.
    """

    accelerator: Accelerator
    seed: int = 0
    checkpoints: Checkpoints | None = None
    records: Records = field(default_factory=lambda: Records(None))
    log_every: int = 50

    def __post_init__(self) -> None:
        if self.log_every < 1:
            raise FactorError(f"log_every is {self.log_every}; give at least 1 step between lines")


@dataclass(frozen=True)
class Outcome:
    """How a stage ended: steps done, the best loss on texts kept apart and its step, and all its seconds."""

    steps: int
    best: float | None
    best_step: int
    seconds: float


class Stage:
    """One stage of a run.

    Args:
        number: 1 or 2, in checkpoints and records.
        objective: what is minimised; parameters that do not require gradients stay as they are, and are not in
            checkpoints: what an earlier stage trained, a later one has to train as well.
        batches: the texts.
        options: the optimiser's.
        run: what the stages share.
        kept_apart: texts to judge by, with the objective's own loss; the best weights are taken in the end, those that
            the stage starts with among them.
        judge: what they are judged with instead, cross-entropy for example.
    """

    def __init__(
        self,
        number: int,
        objective: Objective,
        batches: Batches,
        options: Optimisation,
        run: Run,
        kept_apart: Batches | None = None,
        judge: Objective | None = None,
    ) -> None:
        self.number = number
        self.options = options
        self.run = run
        self.batches = batches
        self.kept_apart = kept_apart
        self.judge = judge or objective
        self.student = objective.student
        self.trained = {name: p for name, p in objective.student.named_parameters() if p.requires_grad}
        if not self.trained:
            raise FactorError("nothing is left to train; let some parameters require gradients")
        groups = [
            {"params": [p for p in self.trained.values() if p.dim() > 1], "weight_decay": options.decay},
            {"params": [p for p in self.trained.values() if p.dim() < 2], "weight_decay": 0.0},
        ]
        self.fused = all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in self.trained.values())
        self.optimiser = torch.optim.AdamW(
            [group for group in groups if group["params"]], options.rate, options.betas, fused=self.fused
        )
        self.objective: nn.Module = run.accelerator.prepare_model(objective)
        self.window = _Window(run.accelerator)
        self.progress = Progress(number)
        self.best: dict[str, Tensor] = {}

    def train(
        self,
        start: Snapshot | None = None,
        shows: Shows = lambda _step, _text: None,
        judged: float | None = None,
    ) -> Outcome:
        """Train from the beginning or from a snapshot of this stage.

        Args:
            start: the snapshot.
            shows: told how it goes.
            judged: the loss on texts kept apart of the weights that the stage begins with, where it is known.
        Raises:
            FactorError: a loss is not finite, or a checkpoint cannot be written; the last one is kept.
        """
        began = time.monotonic() - (start.progress.seconds if start else 0.0)
        if start is None:
            self._judge(judged)
        else:
            self._go_on(start)
        options = self.options
        while self.progress.step < options.steps and not self.progress.done:
            step = self.progress.step
            self.window.add(self._step(step))
            self.progress = replace(self.progress, step=step + 1, seconds=time.monotonic() - began)
            last = step + 1 == options.steps
            if last or (step + 1) % self.run.log_every == 0:
                self._record(shows)
            if last or (options.judge_every and (step + 1) % options.judge_every == 0):
                self._judge()
                if self.progress.done and self.window.n_steps:  # out of patience between two lines
                    self._record(shows)
            if last or self.progress.done or (options.save_every and (step + 1) % options.save_every == 0):
                self._save(done=last or self.progress.done)
        self._load(self.best or None)
        progress = self.progress
        return Outcome(progress.step, progress.best, progress.best_step, progress.seconds)

    def _step(self, step: int) -> dict[str, Tensor]:
        accelerator = self.run.accelerator
        self.objective.train()
        torch.manual_seed(_mix(self.run.seed, self.number, step, accelerator.process_index))
        rows = torch.Generator().manual_seed(_mix(self.run.seed, self.number, step))
        for group in self.optimiser.param_groups:
            group["lr"] = self.options.rate_at(step)
        sums: dict[str, Tensor] = {}
        parts = self.batches.at(step)
        for number, part in enumerate(parts):
            whole = nullcontext() if number + 1 == len(parts) else accelerator.no_sync(self.objective)
            with whole:
                with accelerator.autocast():
                    shares = self.objective(part.to(accelerator.device), rows)
                # A parallel wrapper takes the mean over processes, while shares are to be added.
                accelerator.backward(shares["loss"] * accelerator.num_processes)
            for name, share in shares.items():
                sums[name] = sums.get(name, 0) + share.detach().float()
        sums["gradient"] = torch.nn.utils.clip_grad_norm_(self.trained.values(), self.options.clip or math.inf)
        loss = accelerator.reduce(sums["loss"], reduction="sum")
        self._check(step + 1, {"loss": float(loss), "norm of the gradients": float(sums["gradient"])})
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return sums

    def _check(self, step: int, numbers: dict[str, float]) -> None:
        """Refuse numbers that are not finite, on all processes alike, before they reach the weights or pass for best.

        Args:
            step: updates that are done.
            numbers: the same on each process, by what they are called.
        """
        for name, value in numbers.items():
            if not math.isfinite(value):
                kept = "; the last checkpoint is kept" if self.run.checkpoints else ""
                raise FactorError(
                    f"stage {self.number}, step {step}: the {name} is {value}; lower the learning rate "
                    f"({self.options.rate_at(max(0, step - 1)):g} now) or train in float32{kept}"
                )

    def _record(self, shows: Shows) -> None:
        step, numbers = self.progress.step, self.window.means()
        self.run.records.add(self.number, step, {**numbers, "rate": self.options.rate_at(step - 1)})
        shows(step, ", ".join(f"{name} {value:.4g}" for name, value in numbers.items() if name != "gradient"))

    def _judge(self, known: float | None = None) -> None:
        if self.kept_apart is None:
            return
        loss = evaluate(self.judge, self.kept_apart, self.run.accelerator) if known is None else known
        self._check(self.progress.step, {"loss on texts kept apart": loss})
        self.run.records.add(self.number, self.progress.step, {"kept_apart": loss})
        before = self.progress
        if before.best is None or loss < before.best:
            self.progress = replace(before, best=loss, best_step=before.step, worse=0)
            self.best = _copies(self.trained)
        else:
            ended = bool(self.options.patience) and before.worse + 1 >= self.options.patience
            self.progress = replace(before, worse=before.worse + 1, done=ended)

    def _go_on(self, start: Snapshot) -> None:
        self.progress, self.best = start.progress, start.best
        self.window.go_on(start.sums)
        self._load(start.weights)
        for name, parameter in self.trained.items():
            if f"{name}:exp_avg" in start.optimiser:
                # Only the fused optimiser counts its steps on the parameter's device.
                places = {"step": parameter.device if self.fused else "cpu"}
                self.optimiser.state[parameter] = {
                    part: start.optimiser[f"{name}:{part}"].to(places.get(part, parameter.device))
                    for part in ("step", "exp_avg", "exp_avg_sq")
                }

    @torch.no_grad()
    def _load(self, weights: dict[str, Tensor] | None) -> None:
        if weights is None:
            return
        if weights.keys() != self.trained.keys():
            raise FactorError("a checkpoint of another model; give this run another folder")
        for name, parameter in self.trained.items():
            parameter.copy_(weights[name])

    def _save(self, *, done: bool) -> None:
        if self.run.checkpoints is None:
            return
        self.progress = replace(self.progress, done=done)
        sums = self.window.sums()  # of all processes: each has to ask
        if self.run.accelerator.is_main_process:
            state = {
                f"{name}:{part}": tensor.cpu()
                for name, parameter in self.trained.items()
                for part, tensor in self.optimiser.state.get(parameter, {}).items()
            }
            weights = {name: parameter.detach().cpu() for name, parameter in self.trained.items()}
            self.run.checkpoints.save(Snapshot(self.progress, weights, {} if done else state, self.best, sums))
        self.run.accelerator.wait_for_everyone()


@torch.no_grad()
def evaluate(objective: Objective, batches: Batches, accelerator: Accelerator, name: str = "loss") -> float:
    """The mean of a loss over all texts, on all processes together."""
    with _evaluating(objective):
        total = torch.zeros((), device=accelerator.device)
        for batch in batches.all_once():
            with accelerator.autocast():
                total += objective(batch.to(accelerator.device), torch.Generator().manual_seed(0))[name].float()
    return float(accelerator.reduce(total, reduction="sum"))


def cross_entropy(model: nn.Module, batches: Batches, accelerator: Accelerator) -> float:
    """The mean cross-entropy of a model's labels, in nats."""
    return evaluate(CrossEntropy(model), batches, accelerator, "cross_entropy")


@contextmanager
def _evaluating(module: nn.Module) -> Iterator[None]:
    before = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, mode in before:
            part.training = mode


class _Window:
    """Means over the steps since the last line, on all processes together."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._sums: dict[str, Tensor | float] = {}
        self.n_steps = 0

    def sums(self) -> Sums:
        """The sums of all processes; all have to ask for them."""
        own = {name: float(value) for name, value in self._sums.items()}
        return Sums(self.n_steps, tuple(gather_object([own])))

    def go_on(self, sums: Sums) -> None:
        """Begin with this process's sums; without them, where there were more processes or fewer."""
        if len(sums.by_process) == self._accelerator.num_processes:
            self._sums, self.n_steps = {**sums.by_process[self._accelerator.process_index]}, sums.steps

    def add(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self._sums[name] = self._sums.get(name, 0) + value
        self.n_steps += 1

    def means(self) -> dict[str, float]:
        found = {}
        for name, value in self._sums.items():
            # Losses are shares of processes; the norm of all gradients is the same on each.
            total = value if name == "gradient" else self._accelerator.reduce(value, reduction="sum")
            found[name] = float(total) / self.n_steps
        self._sums, self.n_steps = {}, 0
        return found


def _copies(parameters: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {name: parameter.detach().to("cpu", copy=True) for name, parameter in parameters.items()}


def _mix(*numbers: int) -> int:
    """One seed from several numbers."""
    mixed = 0
    for number in numbers:
        mixed = (mixed * 1_000_003 + number + 1) % (2**63 - 1)
    return mixed
