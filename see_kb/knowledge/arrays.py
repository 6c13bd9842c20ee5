"""Arrays in a safetensors file, read in place: the file is mapped into memory, and only what is touched is loaded.

A view behaves like a tuple of numbers. Nothing but the standard library is needed to read one, so that a knowledge base
answers before a numerical library would have been imported.
"""

import json
import mmap
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from see_kb.errors import FormatError, SeeError

FORMATS: Mapping[str, Literal["B", "i", "q"]] = {"U8": "B", "I32": "i", "I64": "q"}
"""The number types that are read, by safetensors' name for them, as the standard library calls them."""

MAX_HEADER_BYTES = 1_000_000
"""Size of a header; that of an index has 2,000 bytes."""


def open_arrays(path: Path, names: frozenset[str]) -> Mapping[str, memoryview]:
    """Map a file and give the arrays of it by name, without loading them.

    Raises:
        SeeError: the file is missing or cannot be mapped.
        FormatError: it is damaged, or lacks one of `names`.
    """
    if sys.byteorder != "little":
        raise SeeError(f"{path}: can only be mapped on a little-endian machine; read the Parquet tables instead")
    try:
        with path.open("rb") as file:
            mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except (OSError, ValueError) as error:
        raise SeeError(f"{path}: cannot be read ({error}); build the tables anew with `see build`") from error
    return read_arrays(mapped, path, names)


def read_arrays(data: memoryview, path: Path, names: frozenset[str]) -> Mapping[str, memoryview]:
    """Give the arrays of a file's bytes by name; errors are those of `open_arrays`."""
    try:
        arrays = _arrays(data)
    except (ValueError, KeyError, TypeError, AttributeError, struct.error, RecursionError) as error:
        raise FormatError(f"{path}: damaged ({error}); build the tables anew with `see build`") from error
    if missing := names - arrays.keys():
        raise FormatError(f"{path}: lacks {min(missing)}; build the tables anew with `see build`")
    return arrays


def _arrays(data: memoryview) -> dict[str, memoryview]:
    (size,) = struct.unpack("<Q", data[:8])
    if size > min(MAX_HEADER_BYTES, len(data) - 8):
        raise ValueError(f"a header of {size} bytes")
    header = json.loads(bytes(data[8 : 8 + size]))
    body = data[8 + size :]
    arrays = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        start, stop = entry["data_offsets"]
        if not 0 <= start <= stop <= len(body):
            raise ValueError(f"{name} lies outside the file")
        arrays[name] = body[start:stop].cast(FORMATS[entry["dtype"]])
    return arrays
