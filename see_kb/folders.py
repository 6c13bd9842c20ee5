"""A folder that appears whole or not at all: it is filled beside its place and put there by a rename."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from see_kb.errors import SeeError


def check_target(target: Path, *, overwrite: bool) -> None:
    """Refuse a target that exists, unless it may be overwritten and is a folder.

    Raises:
        SeeError: it is a file, or a folder with content and `overwrite` is off.
    """
    if target.is_dir():
        if not overwrite and any(target.iterdir()):
            raise SeeError(f"{target}: exists already; name a new folder, or allow overwriting (--overwrite)")
    elif target.exists() or target.is_symlink():
        raise SeeError(f"{target}: a file is in the way; name a folder")


@contextmanager
def new_folder(target: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """Give an empty folder to fill; on success it takes the place of `target`, on failure it is removed.

    An old folder stays whole until the new one is complete: it is moved aside, and back if the second move fails.
    Two processes must not fill the same target at once.

    Raises:
        SeeError: see `check_target`; or the disk is full, or the place cannot be written to.
    """
    check_target(target, overwrite=overwrite)
    target = target.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        partial = Path(tempfile.mkdtemp(prefix=f".{target.name}.partial-", dir=target.parent))
        partial.chmod(0o755)
    except OSError as error:
        raise SeeError(f"{target}: cannot be written ({error.strerror}); choose another place") from error
    try:
        yield partial
        _put_in_place(partial, target)
    except OSError as error:
        remedy = "free some room or choose another place; what was there before is untouched"
        raise SeeError(f"{target}: writing failed ({error.strerror or error}); {remedy}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _put_in_place(partial: Path, target: Path) -> None:
    if not target.exists():
        partial.rename(target)
        return
    aside = target.parent / f".{target.name}.previous-{os.getpid()}"
    target.rename(aside)
    try:
        partial.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what a killed run left; bring back the old folder if it was killed between the two moves."""
    for aside in sorted(target.parent.glob(f".{target.name}.previous-*")):
        if target.exists():
            shutil.rmtree(aside)
        else:
            aside.rename(target)
    for partial in target.parent.glob(f".{target.name}.partial-*"):
        shutil.rmtree(partial)
