"""Checkpoints of a run: a folder for each, which appears whole or not at all, and is checked before it is used.

stage-2-step-001500/
weights.safetensors     what the stage trains, by name
best.safetensors        the same at the best measurement, where there was one
optimiser.safetensors   Adam's two means of each, and its count of steps
state.json              stage, step, what was measured, sums since the last line of numbers, the run's settings,
                        SHA-256 digests of the files
"""

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from see_tn.errors import FactorError
from see_tn.layer.folders import new_folder
from see_tn.training.settings import first_difference, plain

WEIGHTS, BEST, OPTIMISER, STATE = "weights.safetensors", "best.safetensors", "optimiser.safetensors", "state.json"
FILES = frozenset({WEIGHTS, BEST, OPTIMISER, STATE})
KEPT = 2
"""Checkpoints that are kept; older ones are removed when a new one is complete."""

_NAME = re.compile(r"stage-(\d)-step-(\d{8})")


@dataclass(frozen=True)
class Progress:
    """Where a run stands: `step` updates of a stage are done.

    `best` is the least loss measured on texts kept apart, `best_step` when, and `worse` how many measurements ago;
    `done` says that the stage has ended, and `seconds` what it took up to here.
    """

    stage: int
    step: int = 0
    best: float | None = None
    best_step: int = 0
    worse: int = 0
    done: bool = False
    seconds: float = 0.0


@dataclass(frozen=True)
class Sums:
    """Sums over the `steps` since the last line of numbers, by name: one mapping for each process."""

    steps: int = 0
    by_process: tuple[dict[str, float], ...] = ()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A run at one step; tensors are on the CPU."""

    progress: Progress
    weights: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    best: dict[str, Tensor]
    sums: Sums = Sums()


class Checkpoints:
    """The checkpoints of a run in a folder.

    Args:
        folder: where they lie; it is made when the first one is saved.
        settings: what makes the run what it is; a checkpoint of a run with others is refused.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder = folder
        self.settings = plain(settings)

    def save(self, snapshot: Snapshot) -> None:
        """Save a snapshot, and remove those that are older than the last ones.

        Raises:
            FactorError: the disk is full, or the place cannot be written to; older checkpoints are untouched.
        """
        place = self.folder / _name(snapshot.progress)
        parts = {WEIGHTS: snapshot.weights, OPTIMISER: snapshot.optimiser, BEST: snapshot.best}
        with new_folder(place, FILES, overwrite=True) as folder:
            digests = {}
            for name, tensors in parts.items():
                if tensors:
                    _write(tensors, folder / name, place)
                    digests[name] = _digest(folder / name)
            state = {
                "progress": asdict(snapshot.progress),
                "sums": asdict(snapshot.sums),
                "settings": self.settings,
                "sha256": digests,
            }
            (folder / STATE).write_text(json.dumps(state, indent=2) + "\n", encoding="utf-8")
        for old in self._all()[:-KEPT]:
            shutil.rmtree(old)

    def last(self) -> Snapshot | None:
        """Load the last checkpoint, or None where there is none.

        Raises:
            FactorError: it is damaged, or of a run with other settings.
        """
        places = self._all()
        if not places:
            return None
        before = f", to go on from {places[-2].name}" if len(places) > 1 else ", to begin anew"
        return self._load(places[-1], f"remove this folder{before}")

    def _load(self, place: Path, remedy: str) -> Snapshot:
        try:
            state = json.loads((place / STATE).read_text(encoding="utf-8"))
            progress, settings, digests = Progress(**state["progress"]), state["settings"], dict(state["sha256"])
            sums = _sums(state.get("sums"))
            wrong = [name for name, digest in digests.items() if _digest(place / name) != digest]
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise FactorError(f"{place}: a damaged checkpoint ({error}); {remedy}") from error
        if wrong or WEIGHTS not in digests:
            raise FactorError(f"{place / (wrong or [WEIGHTS])[0]}: damaged, its digest is another; {remedy}")
        if other := first_difference(settings, self.settings):
            raise FactorError(
                f"{place}: a checkpoint of a run with another {other}; give the same options, or another folder for "
                "this run"
            )
        try:
            parts = {name: load_file(place / name) if name in digests else {} for name in (WEIGHTS, OPTIMISER, BEST)}
        except (OSError, SafetensorError) as error:
            raise FactorError(f"{place}: a damaged checkpoint ({error}); {remedy}") from error
        return Snapshot(progress, parts[WEIGHTS], parts[OPTIMISER], parts[BEST], sums)

    def _all(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if _NAME.fullmatch(path.name))


def _name(progress: Progress) -> str:
    return f"stage-{progress.stage}-step-{progress.step:08d}"


def _sums(state: dict[str, Any] | None) -> Sums:
    """Read sums; checkpoints of earlier versions have none."""
    if state is None:
        return Sums()
    by_process = (dict(one) for one in state["by_process"])
    return Sums(int(state["steps"]), tuple({name: float(total) for name, total in one.items()} for one in by_process))


def _write(tensors: dict[str, Tensor], file: Path, place: Path) -> None:
    try:
        save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)
    except SafetensorError as error:
        remedy = "free some room or choose another place; older checkpoints are untouched"
        raise FactorError(f"{place}: writing failed ({error}); {remedy}") from error


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
