"""Batches as a pure function of a seed and a step, so that a run that goes on after a kill sees the same ones."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from see_tn.errors import FactorError

IGNORED = -100
"""The label of positions that do not count, as in torch's cross-entropy."""

LENGTH_NOISE = 0.2
"""Texts are sorted by their length times 1 plus noise of this size, so that batches differ between epochs."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Encoded texts.

    Attributes:
        sources: piece ids of each text; with `targets` what the encoder reads, without what the model continues.
        targets: piece ids of each translation, or None.
        pad: the piece that fills a batch.
        start: the piece that a decoder starts with, where there are targets.
    Raises:
        FactorError: there are no texts, not as many translations, or one without a piece to learn: of less than two
            pieces where a text is to be continued, and an empty one where it is translated.
    """

    sources: Sequence[Sequence[int]]
    targets: Sequence[Sequence[int]] | None = None
    pad: int = 0
    start: int | None = None

    def __post_init__(self) -> None:
        if not self.sources or (self.targets is not None and len(self.targets) != len(self.sources)):
            count = None if self.targets is None else len(self.targets)
            raise FactorError(f"{len(self.sources)} texts and {count} translations; give at least one, and as many")
        fewest = 2 if self.targets is None else 1
        for number, text in enumerate(self.texts):
            if len(text) < fewest:
                place = f"{'text' if number < len(self.sources) else 'translation'} {number % len(self.sources)}"
                raise FactorError(f"{place} has {len(text)} pieces; give at least {fewest}, or leave it out")

    @property
    def texts(self) -> list[Sequence[int]]:
        """All of them: sources and, where there are any, translations."""
        return [*self.sources, *(self.targets or ())]

    @property
    def pairs(self) -> list[tuple[Sequence[int], Sequence[int]]]:
        """Sources with their translations, where there are any."""
        return list(zip(self.sources, self.targets or (), strict=self.targets is not None))

    def lengths(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The positions that a text takes in a batch: (n,)."""
        longest = [len(source) for source in self.sources]
        if self.targets is not None:
            longest = [max(pair) for pair in zip(longest, map(len, self.targets), strict=True)]
        return np.array(longest)


@dataclass(frozen=True, eq=False)
class Batch:
    """What a model reads in one pass, and how many positions count in the whole step that it is a part of.

    Attributes:
        inputs: what the model's `forward` takes.
        labels: (n, length) piece ids, or `IGNORED`.
        n_labels: labels that count, in all parts of the step.
        n_sources: positions of `inputs["attention_mask"]` that count, in all parts of the step.
    """

    inputs: dict[str, Tensor]
    labels: Tensor
    n_labels: int
    n_sources: int

    def to(self, device: torch.device) -> "Batch":
        """Move the tensors."""
        inputs = {name: tensor.to(device) for name, tensor in self.inputs.items()}
        return Batch(inputs, self.labels.to(device), self.n_labels, self.n_sources)


@dataclass(frozen=True)
class Share:
    """The part of each step that a process takes, in `accumulation` batches one after the other."""

    process: int = 0
    n_processes: int = 1
    accumulation: int = 1

    @property
    def parts(self) -> int:
        """How many batches a step is dealt out to."""
        return self.n_processes * self.accumulation


class Batches:
    """Texts of like length together, dealt out anew in each epoch.

    Args:
        examples: the texts.
        positions: the most positions of a step's batch, padding included, on all processes together. Only a batch of
            fewer than twice as many texts as a step has parts may have more: it has one or two texts in each part.
        seed: of the dealing.
        share: the part of each step that is wanted here.
    Raises:
        FactorError: there are fewer texts than parts of a step, or no positions.
    """

    def __init__(self, examples: Examples, positions: int, seed: int = 0, share: Share | None = None) -> None:
        if positions < 1:
            raise FactorError(f"{positions} positions a batch; give at least 1")
        parts = (share or Share()).parts
        if len(examples.sources) < parts:
            raise FactorError(f"{len(examples.sources)} texts for the {parts} parts of a step; give more texts")
        self.examples = examples
        self.positions = positions
        self.seed = seed
        self.share = share or Share()
        self._lengths = examples.lengths()
        self._sizes: list[int] = []  # batches of each epoch so far
        self._dealt: tuple[int, list[list[int]]] = (-1, [])  # the last epoch that was asked for

    @property
    def steps_per_epoch(self) -> int:
        """The batches of the first epoch; others differ by a few."""
        return self._size(0)

    def at(self, step: int) -> list[Batch]:
        """Give this process's batches of a step, which counts from 0."""
        members, share = self._members(step), self.share
        counts = self._counts(members)
        parts = (members[part * share.n_processes + share.process :: share.parts] for part in range(share.accumulation))
        return [self._batch(part, *counts) for part in parts]

    def all_once(self) -> Iterator[Batch]:
        """Give this process's share of each text once, in order of length: for evaluation."""
        order = np.argsort(self._lengths, kind="stable")
        everything = self._counts(list(order))
        for members in self._cut(order):
            mine = members[self.share.process :: self.share.n_processes]
            if mine:
                yield self._batch(mine, *everything)

    def _members(self, step: int) -> list[int]:
        epoch = 0
        while step >= self._size(epoch):
            step -= self._size(epoch)
            epoch += 1
        return self._epoch(epoch)[step]

    def _size(self, epoch: int) -> int:
        while len(self._sizes) <= epoch:
            self._sizes.append(len(self._epoch(len(self._sizes))))
        return self._sizes[epoch]

    def _epoch(self, number: int) -> list[list[int]]:
        if self._dealt[0] != number:
            generator = np.random.default_rng((self.seed, number))
            noise = 1 + LENGTH_NOISE * generator.random(len(self._lengths))
            order = np.lexsort((generator.random(len(self._lengths)), self._lengths * noise))
            batches = self._cut(order)
            self._dealt = (number, [batches[place] for place in generator.permutation(len(batches))])
        return self._dealt[1]

    def _cut(self, order: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[list[int]]:
        """Neighbours in a batch, as many as its positions allow, and one for each part of a step at least."""
        fewest = self.share.parts
        batches: list[list[int]] = [[]]
        longest = 0
        for member in map(int, order):
            longest = max(longest, int(self._lengths[member]))
            if len(batches[-1]) >= fewest and longest * (len(batches[-1]) + 1) > self.positions:
                batches.append([])
                longest = int(self._lengths[member])
            batches[-1].append(member)
        if len(batches[-1]) < fewest and len(batches) > 1:
            batches[-2:] = _levelled(batches[-2], batches[-1], fewest)
        return batches

    def _counts(self, members: Sequence[int]) -> tuple[int, int]:
        examples = self.examples
        if examples.targets is None:
            n = sum(len(examples.sources[member]) - 1 for member in members)
            return n, n
        n_sources = sum(len(examples.sources[member]) for member in members)
        return sum(len(examples.targets[member]) for member in members), n_sources

    def _batch(self, members: Sequence[int], n_labels: int, n_sources: int) -> Batch:
        examples, pad = self.examples, self.examples.pad
        sources = [examples.sources[member] for member in members]
        if examples.targets is None:
            inputs = {"input_ids": _stack([source[:-1] for source in sources], pad)}
            labels = _stack([source[1:] for source in sources], IGNORED)
            inputs["attention_mask"] = (labels != IGNORED).long()
            return Batch(inputs, labels, n_labels, n_sources)
        targets = [examples.targets[member] for member in members]
        start = pad if examples.start is None else examples.start
        inputs = {
            "input_ids": _stack(sources, pad),
            "attention_mask": _stack([[1] * len(source) for source in sources], 0),
            "decoder_input_ids": _stack([[start, *target[:-1]] for target in targets], pad),
        }
        return Batch(inputs, _stack(targets, IGNORED), n_labels, n_sources)


def _levelled(before: list[int], last: list[int], fewest: int) -> list[list[int]]:
    """Give a last batch what it lacks of the one before it, or make one of both where too few would stay there."""
    staying = len(before) + len(last) - fewest
    if staying < fewest:
        return [before + last]
    return [before[:staying], before[staying:] + last]


def _stack(rows: Sequence[Sequence[int]], filler: int) -> Tensor:
    width = max((len(row) for row in rows), default=0)
    stacked = torch.full((len(rows), width), filler, dtype=torch.int64)
    for number, row in enumerate(rows):
        stacked[number, : len(row)] = torch.tensor(row, dtype=torch.int64)
    return stacked
