"""Files that appear whole or not at all, also where several processes write them or the machine goes down."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from see_kb.errors import FormatError, SeeError


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside its place, and move it there.

    Raises:
        SeeError: it cannot be written; what was there before is untouched.
    """
    unfinished = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        write(unfinished)
        with unfinished.open("r+b") as stream:
            os.fsync(stream.fileno())  # a name may reach the disk before what is in the file
        unfinished.replace(file)
    except OSError as error:
        raise SeeError(f"{file}: cannot be written ({error.strerror or error}); make room or choose a place") from error
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(file: Path, text: str) -> None:
    """Write a text in UTF-8."""
    write_whole(file, lambda place: place.write_text(text, encoding="utf-8"))


def write_json(file: Path, values: Any) -> None:
    """Write plain values as JSON."""
    write_text(file, json.dumps(values, indent=2, default=str) + "\n")


def read_json(file: Path, remedy: str) -> dict[str, Any]:
    """Read what `write_json` wrote of a mapping.

    Args:
        file: the file.
        remedy: what to do where it is damaged, the end of the error.
    Raises:
        FormatError: it cannot be read, or holds no mapping.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(f"{file}: damaged ({error}); {remedy}") from error
    if not isinstance(values, dict):
        raise FormatError(f"{file}: damaged (no mapping); {remedy}")
    return values
