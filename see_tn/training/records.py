"""Numbers of a run as it goes: a JSON-lines file, and TensorBoard where it is asked for."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from see_tn.errors import FactorError
from see_tn.training.state import Progress


class Records:
    """Appends to `metrics.jsonl`, one object a line with its stage and step.

    Args:
        file: the file; None writes nothing, for processes that are not the first.
        board: a folder for TensorBoard (extra `training`), or None.
    """

    def __init__(self, file: Path | None, board: Path | None = None) -> None:
        self.file = file
        self._writer: Any = None
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
        if board is not None and file is not None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError as error:
                raise FactorError("TensorBoard is not installed; install the extra 'training'") from error
            self._writer = SummaryWriter(str(board))

    def rewind(self, progress: Progress | None) -> None:
        """Drop lines beyond a checkpoint, or all without one: those of a run that was killed after it."""
        if self.file is None or not self.file.exists():
            return
        stage, step = (0, 0) if progress is None else (progress.stage, progress.step)
        kept = []
        for line in self.file.read_text(encoding="utf-8").splitlines():
            try:
                values = json.loads(line)
            except ValueError:
                break  # a line cut off by the kill
            if (values["stage"], values["step"]) <= (stage, step):
                kept.append(line)
        unfinished = self.file.with_suffix(".partial")
        unfinished.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
        unfinished.replace(self.file)

    def add(self, stage: int, step: int, values: Mapping[str, float]) -> None:
        """Write a line."""
        if self.file is None:
            return
        with self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"stage": stage, "step": step, **values}) + "\n")
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"stage {stage}/{name}", value, step)

    def close(self) -> None:
        """Close what is open."""
        if self._writer is not None:
            self._writer.close()
