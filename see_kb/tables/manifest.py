"""`manifest.json`: what a folder of tables was made from, and the digests of its files."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from see_kb.errors import FormatError, SeeError
from see_kb.sources.files import read_bytes, sha256_of

MANIFEST = "manifest.json"
SCHEMA_VERSION = 2
"""The version of all tables together; see `schema`."""


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write the manifest: the last file of a folder of tables to be written."""
    text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
    (folder / MANIFEST).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read a folder's manifest.

    Raises:
        SeeError: the folder or the manifest is missing.
        FormatError: the manifest is damaged, or of another schema version.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise SeeError(f"{folder}: no folder of tables (it lacks {MANIFEST}); make one with `see build`")
    try:
        manifest = json.loads(read_bytes(path))
        version, _, _ = (manifest[key] for key in ("schema_version", "tables", "tokenizer"))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise FormatError(f"{path}: damaged; build the tables anew with `see build`") from error
    if version != SCHEMA_VERSION:
        raise FormatError(f"{path}: schema version {version}, not {SCHEMA_VERSION}; build the tables anew")
    return dict(manifest)


def tokenizer_copy(folder: Path) -> Path:
    """The tokenizer's file in a folder of tables, held against its digest. Further errors are those of `read_manifest`.

    Raises:
        SeeError: the file is missing or cannot be read.
        FormatError: it is another one.
    """
    tokenizer = read_manifest(folder)["tokenizer"]
    path = folder / str(tokenizer["copy"])
    if sha256_of(read_bytes(path)) != tokenizer["sha256"]:
        raise FormatError(f"{path}: not the tokenizer that these tables were built from; build them anew")
    return path


def rows_digest(folder: Path) -> str:
    """The digest of which units make which row: what factors belong to. Errors are those of `read_manifest`."""
    return str(read_manifest(folder)["tables"]["unit_rows"]["sha256"])


def digest_of(path: Path, remedy: str = "build the tables anew with `see build`") -> str:
    """Give the SHA-256 of a file in hexadecimal, read in parts.

    Args:
        path: the file.
        remedy: what to do where it cannot be read, the end of the error.
    Raises:
        SeeError: the file is missing or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise SeeError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error


def check_digest(path: Path, wanted: object) -> None:
    """Hold a file against the digest that the manifest has of it.

    Raises:
        SeeError: the file is missing or cannot be read.
        FormatError: it is another one.
    """
    if digest_of(path) != wanted:
        raise FormatError(f"{path}: damaged (its digest is not the manifest's); build the tables anew")
