"""Files that appear whole or not at all, also where several processes write them."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_whole(file: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside its place, and move it there."""
    unfinished = file.with_name(f".{os.getpid()}-{file.name}")
    try:
        write(unfinished)
        unfinished.replace(file)
    finally:
        unfinished.unlink(missing_ok=True)


def write_text(file: Path, text: str) -> None:
    """Write a text in UTF-8."""
    write_whole(file, lambda place: place.write_text(text, encoding="utf-8"))


def write_json(file: Path, values: Any) -> None:
    """Write plain values as JSON."""
    write_text(file, json.dumps(values, indent=2, default=str) + "\n")
