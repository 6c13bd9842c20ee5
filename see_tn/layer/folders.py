"""A folder that appears whole or not at all: it is filled beside its place and put there by a rename."""

import glob
import os
import shutil
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path

from see_tn.errors import FactorError


def check_target(folder: Path, own: Set[str], *, overwrite: bool) -> None:
    """Refuse a folder that may not be written, after bringing back what a killed run had moved aside.

    Args:
        folder: the folder that is to be made.
        own: names of the files that it will hold.
        overwrite: whether it may replace an older one.
    Raises:
        FactorError: it cannot be looked at; it is a file; it has content and `overwrite` is off; or it holds
            something else than files of the names `own`, which overwriting would lose.
    """
    try:
        _clear_leftovers(folder)
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else None
    except OSError as error:
        raise FactorError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    if names is None:
        if folder.exists() or folder.is_symlink():
            raise FactorError(f"{folder}: a file is in the way; name a folder")
        return
    if names and not overwrite:
        raise FactorError(f"{folder}: exists already; name a new folder, or allow overwriting (--overwrite)")
    if names - own:
        raise FactorError(f"{folder}: holds {min(names - own)!r}, which overwriting would lose; name a new folder")


@contextmanager
def new_folder(folder: Path, own: Set[str], *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill; on success it takes the place of `folder`, on failure it is removed.

    An old folder stays whole until the new one is complete and on the disk. Of two processes that fill the same folder
    at once, the one that ends last has its own there.

    Raises:
        FactorError: see `check_target`; or the disk is full, or the place cannot be written to.
    """
    check_target(folder, own, overwrite=overwrite)
    folder = folder.resolve()
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.partial-{os.getpid()}-", dir=folder.parent))
    except OSError as error:
        raise FactorError(f"{folder}: cannot be written ({error.strerror}); choose another place") from error
    try:
        partial.chmod(0o755)
        yield partial
        for path in (*partial.iterdir(), partial):
            _sync(path)
        _put_in_place(partial, folder)
        _sync(folder.parent)
    except OSError as error:
        remedy = "free some room or choose another place; what was there before is untouched"
        raise FactorError(f"{folder}: writing failed ({error.strerror or error}); {remedy}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, folder: Path) -> None:
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


def _clear_leftovers(folder: Path) -> None:
    """Bring back an old folder whose run was killed between the two renames, and remove what else a kill left."""
    folder = folder.resolve()
    name = glob.escape(folder.name)
    for aside in sorted(folder.parent.glob(f".{name}.previous-*")):
        if folder.exists():
            shutil.rmtree(aside)
        else:
            aside.rename(folder)
    for partial in folder.parent.glob(f".{name}.partial-*"):
        if not _is_running(partial.name.rpartition(".partial-")[2].partition("-")[0]):
            shutil.rmtree(partial)


def _is_running(process: str) -> bool:
    """Whether there is a process of this number."""
    try:
        os.kill(int(process), 0)
    except (ValueError, OverflowError, ProcessLookupError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def _sync(path: Path) -> None:
    """Bring a file's content, or a folder's entries, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
