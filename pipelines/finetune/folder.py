"""The folder of a run: one process at a time works in it, and one in which nothing was made is let go of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from pipelines.finetune.options import FinetuneInputs
from pipelines.finetune.report import REPORT
from pipelines.finetune.settings import RUN, check_run, write_run
from see_kb.errors import SeeError

LOCK = "lock"


@contextmanager
def held_folder(folder: Path, settings: dict[str, Any], inputs: FinetuneInputs) -> Iterator[None]:
    """Hold a run's folder, made where there is none, with what the run was asked for in it.

    One in which nothing else was made is removed in the end, so that a call with other options may have it.

    Raises:
        SeeError: another process holds it, or it holds something else, or another run.
    """
    if folder.exists() and not (folder / RUN).exists() and _names(folder) - {LOCK}:
        raise SeeError(f"{folder}: holds something else than a run; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder):
        if not (folder / RUN).exists():
            write_run(folder, settings, inputs)
        check_run(folder, settings)
        try:
            yield
        finally:
            if _names(folder) <= {RUN, LOCK}:
                shutil.rmtree(folder)
            elif (folder / REPORT).exists():
                (folder / LOCK).unlink()


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SeeError(f"{folder}: another process runs here; wait for it, or name a new folder") from error
    try:
        if (folder / REPORT).exists():
            raise SeeError(f"{folder}: another process ended this run just now; call again to read its report")
        yield
    finally:
        lock.release()


def _names(folder: Path) -> set[str]:
    """What lies in a folder, but for what a kill left of writing `RUN`."""
    return {path.name for path in folder.iterdir() if not (path.name.startswith(".") and path.name.endswith(f"-{RUN}"))}
