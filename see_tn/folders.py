"""A folder of small files that appears whole or not at all: filled beside its place, put there by a rename."""

import os
import shutil
import tempfile
from collections.abc import Mapping, Set
from pathlib import Path

from see_tn.errors import FactorError


def check_target(folder: Path, own: Set[str], *, overwrite: bool) -> None:
    """Refuse a folder that may not be written.

    Raises:
        FactorError: it is a file, it has content and `overwrite` is off, or it holds something else than files of the
            names `own`, which overwriting would lose.
    """
    if not folder.is_dir():
        if folder.exists() or folder.is_symlink():
            raise FactorError(f"{folder}: a file is in the way; name a folder")
        return
    names = {path.name for path in folder.iterdir()}
    if names and not overwrite:
        raise FactorError(f"{folder}: exists already; name a new folder, or pass overwrite=True")
    if names - own:
        raise FactorError(f"{folder}: holds {min(names - own)!r}, which overwriting would lose; name a new folder")


def put_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a folder with exactly these files. What was there stays until all of them are on the disk.

    Raises:
        FactorError: the disk is full, or the place cannot be written to; what was there before is untouched.
    """
    folder = folder.resolve()
    partial: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-", dir=folder.parent))
        partial.chmod(0o755)
        for name, content in files.items():
            with (partial / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _put_in_place(partial, folder)
        _sync(folder.parent)
    except OSError as error:
        remedy = "free some room or choose another place; what was there before is untouched"
        raise FactorError(f"{folder}: writing failed ({error.strerror or error}); {remedy}") from error
    finally:
        if partial is not None:
            shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, folder: Path) -> None:
    _sync(partial)
    if not folder.exists():
        partial.rename(folder)
        return
    aside = partial.with_name(partial.name.replace(".partial-", ".previous-"))
    folder.rename(aside)
    try:
        partial.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Bring a folder's entries to the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
