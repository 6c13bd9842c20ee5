"""The state of a fit in a file, written after each sweep, so that a killed fit goes on where it was."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.errors import FactorError

HASHED_ROWS = 16_384  # at a time


class FitFile:
    """A file that belongs to one fit: to its rows, its teacher, its shape and its start.

    Args:
        path: the file; it need not exist.
        fingerprint: what the fit is made from, by `fingerprint`.
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path = path
        self.fingerprint = fingerprint

    def read(self) -> tuple[list[Tensor], list[dict[str, float]]] | None:
        """Give the cores and the sweeps so far; None without a file.

        Raises:
            FactorError: the file is damaged, or of another fit.
        """
        if not self.path.exists():
            return None
        try:
            with safe_open(self.path, framework="pt") as file:
                notes = file.metadata() or {}
                cores = [file.get_tensor(name) for name in sorted(file.keys(), key=lambda name: int(name))]
            sweeps = json.loads(notes["sweeps"])
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            raise FactorError(f"{self.path}: not the state of a fit ({error}); remove it to start anew") from error
        if notes.get("fingerprint") != self.fingerprint:
            raise FactorError(
                f"{self.path}: the state of another fit (other rows, teacher, shape, options or seed); "
                "remove it, or name another file"
            )
        return cores, sweeps

    def write(self, cores: Sequence[Tensor], sweeps: Sequence[dict[str, float]]) -> None:
        """Keep a state, whole or not at all.

        Raises:
            FactorError: the file cannot be written.
        """
        beside = self.path.with_name(f".{self.path.name}.partial")
        notes = {"fingerprint": self.fingerprint, "sweeps": json.dumps(list(sweeps))}
        try:
            save_file({str(table): core.cpu().contiguous() for table, core in enumerate(cores)}, beside, notes)
            os.replace(beside, self.path)  # noqa: PTH105
        except (OSError, SafetensorError) as error:
            beside.unlink(missing_ok=True)
            raise FactorError(f"{self.path}: cannot be written ({error}); free some room or name another") from error


def fingerprint(rows: RowIndex, teacher: Tensor, weights: Tensor | None, *others: object) -> str:
    """A digest of everything that a fit is made from; `others` by their representations."""
    digest = hashlib.sha256(repr((rows.n_units, rows.tables, *others)).encode())
    digest.update(rows.index.tobytes())
    digest.update(rows.amplitude.tobytes())
    for part in torch.split(teacher.detach(), HASHED_ROWS):
        digest.update(part.float().cpu().contiguous().numpy().tobytes())
    if weights is not None:
        digest.update(weights.double().cpu().numpy().tobytes())
    return digest.hexdigest()
