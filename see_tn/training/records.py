"""Numbers of a run as it goes: a JSON-lines file, and TensorBoard where it is asked for."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from see_tn.errors import FactorError
from see_tn.training.state import Progress


class Records:
    """Appends to `metrics.jsonl`, one object a line with its stage and step.

    Args:
        file: the file; None writes nothing, for processes that are not the first.
        board: a folder for TensorBoard (extra `training`), or None.
    Raises:
        FactorError: TensorBoard is not installed or, here and in all that writes, the file cannot be written.
    """

    def __init__(self, file: Path | None, board: Path | None = None) -> None:
        self.file, self.board = file, None if file is None else board
        self._writer: Any = None
        if file is not None:
            with _written(file):
                file.parent.mkdir(parents=True, exist_ok=True)
        if self.board is not None:
            self._writer = _writer(self.board)

    def rewind(self, progress: Progress | None) -> None:
        """Drop what is beyond a checkpoint, or all without one: lines of a run that was killed after it."""
        if self.file is None or not self.file.exists():
            return
        stage, step = (0, 0) if progress is None else (progress.stage, progress.step)
        kept = []
        for line in self.file.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                values = json.loads(line)
                is_kept = (values["stage"], values["step"]) <= (stage, step)
            except (ValueError, TypeError, KeyError):
                break  # a line cut off by the kill
            if is_kept:
                kept.append(values)
        unfinished = self.file.with_suffix(".partial")
        with _written(self.file):
            unfinished.write_text("".join(json.dumps(values) + "\n" for values in kept), encoding="utf-8")
            unfinished.replace(self.file)
        self._redraw(kept)

    def _redraw(self, lines: list[dict[str, Any]]) -> None:
        """TensorBoard's files cannot be cut: they are written anew."""
        if self.board is None:
            return
        self.close()
        for old in self.board.glob("events.out.tfevents.*"):
            old.unlink()
        self._writer = _writer(self.board)
        for values in lines:
            self._show(**values)

    def add(self, stage: int, step: int, values: Mapping[str, float]) -> None:
        """Write a line."""
        if self.file is None:
            return
        with _written(self.file), self.file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"stage": stage, "step": step, **values}) + "\n")
        self._show(stage, step, **values)

    def _show(self, stage: int, step: int, **values: float) -> None:
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"stage {stage}/{name}", value, step)

    def close(self) -> None:
        """Close what is open."""
        if self._writer is not None:
            self._writer.close()


@contextmanager
def _written(file: Path) -> Iterator[None]:
    """Name the file: a full disk's error does not."""
    try:
        yield
    except OSError as error:
        raise FactorError(f"{file}: cannot be written ({error.strerror}); make room, and call again") from error


def _writer(board: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise FactorError("TensorBoard is not installed; install the extra 'training'") from error
    return SummaryWriter(str(board))
