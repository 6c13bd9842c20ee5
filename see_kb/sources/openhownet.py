"""OpenHowNet 2.0's resource folder, read without running what a pickle may hold, and its download.

`HowNet_dict_complete` is a pickled dict: record number → {No, en_word, en_grammar, ch_word, ch_grammar, Def}.
A pickle is a program; here only plain containers, strings and numbers are built, and anything else is refused.
"""

import io
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Lexicon, Reject, Sense, SourceFile
from see_kb.sources.files import read_bytes, sha256_of
from see_kb.sources.hownet_text import checked_sense, split_grammar

SENSES_FILE = "HowNet_dict_complete"
TRIPLES_FILE = "sememe_triples_taxonomy.txt"

NAME = "HowNet"
"""What the dictionary is called: the same as that of its text file, `HowNet.txt`."""

MAX_TUPLES = 10_000
"""Tuples that a pickle may hold; OpenHowNet's hold none."""

_COLUMNS = {
    "zh_word": "ch_word",
    "en_word": "en_word",
    "zh_sentiment": "ch_sentiment",
    "en_sentiment": "en_sentiment",
    "zh_example": "ch_example",
    "en_example": "en_example",
    "remark": "remark",
}
_PLAIN = (dict, list, tuple, set, frozenset, str, int, float, type(None))


class _PlainUnpickler(pickle.Unpickler):
    """Builds no object but the built-in ones that need no import."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, _pid: Any) -> NoReturn:
        raise pickle.UnpicklingError("it refers to an object outside itself")


def load_plain_pickle(data: bytes, path: Path) -> Any:
    """Load a pickle that holds plain containers, strings and numbers only.

    Raises:
        FormatError: the pickle is damaged, or holds anything else.
    """
    remedy = "only plain containers, strings and numbers are read; get the file anew from a source you trust"
    try:
        _check_instructions(data)
        value = _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle raises nearly any error
        problem = str(error) if isinstance(error, pickle.UnpicklingError) else "damaged or no pickle"
        raise FormatError(f"{path}: refused ({problem}); {remedy}") from error
    if (odd := _first_odd_type(value)) is not None:
        raise FormatError(f"{path}: refused (it holds {odd.__name__}); {remedy}")
    return value


def _check_instructions(data: bytes) -> None:
    """Refuse what a small file could do harm with: places in the memo that only take up room, and towers of tuples.

    A few bytes could ask for gigabytes, and to hash a tuple of tuples of tuples … ends the process.
    """
    n_tuples = 0
    for number, (instruction, argument, _) in enumerate(pickletools.genops(data)):
        if instruction.name.endswith("PUT") and not 0 <= int(argument or 0) <= number:
            raise pickle.UnpicklingError(f"it stores a value in place {argument} after {number} instructions")
        n_tuples += instruction.name.startswith("TUPLE") or instruction.name == "FROZENSET"
        if n_tuples > MAX_TUPLES:
            raise pickle.UnpicklingError(f"it holds more than {MAX_TUPLES} tuples")


def _first_odd_type(value: Any) -> type | None:
    """Find a type other than the plain ones; each container is looked into once, however often it is shared."""
    waiting, seen = [value], set()
    while waiting:
        item = waiting.pop()
        if type(item) not in _PLAIN and type(item) is not bool:
            return type(item)
        if isinstance(item, str | int | float | None) or id(item) in seen:
            continue
        seen.add(id(item))
        waiting.extend(item)
        if isinstance(item, dict):
            waiting.extend(item.values())
    return None


def resource_folder(path: Path) -> Path | None:
    """Find the folder that holds OpenHowNet's files: the path, its `resources`, or that of its file of senses.

    Returns:
        None if none of them does.
    """
    folders = (path.parent,) if path.name == SENSES_FILE else (path, path / "resources")
    return next((folder for folder in folders if (folder / SENSES_FILE).is_file()), None)


def read_openhownet(path: Path) -> Lexicon:
    """Read the senses of an OpenHowNet 2.0 resource folder.

    Raises:
        SeeError: the folder lacks the file of senses.
        FormatError: the pickle is refused, is laid out differently, or holds not one sound record.
    """
    folder = resource_folder(path)
    if folder is None:
        raise SeeError(f"{path}: lacks {SENSES_FILE}; name OpenHowNet's folder `resources`")
    file = folder / SENSES_FILE
    data = read_bytes(file)
    records = load_plain_pickle(data, file)
    if not isinstance(records, dict) or not records:
        raise FormatError(f"{file}: holds no dict of records; get OpenHowNet 2.0's file")
    senses: list[Sense] = []
    rejects: list[Reject] = []
    for line, (number, record) in enumerate(records.items(), start=1):
        try:
            senses.append(_sense(str(number), record))
        except FormatError as error:
            rejects.append(Reject(file.name, line, f"record {number}: {error}"))
    if not senses:
        raise FormatError(f"{file}: {rejects[0].reason} (no record of the file could be read)")
    return Lexicon(NAME, tuple(senses), tuple(rejects), (SourceFile(file.name, sha256_of(data)),))


def _sense(number: str, record: Any) -> Sense:
    if not isinstance(record, dict) or not all(isinstance(value, str | None) for value in record.values()):
        raise FormatError("not a dict of strings; get OpenHowNet 2.0's file")
    try:
        "".join(filter(None, record.values())).encode()
    except UnicodeEncodeError as error:
        raise FormatError("half a character (a lone surrogate); mend the record") from error
    words = {column: (record.get(key) or "").strip() for column, key in _COLUMNS.items()}
    words["source"] = NAME
    words["zh_pos"], words["zh_grammar"] = split_grammar(record.get("ch_grammar") or "")
    words["en_pos"], words["en_grammar"] = split_grammar(record.get("en_grammar") or "")
    return checked_sense(str(record.get("No") or number), words, (record.get("Def") or "").strip())


def download_openhownet(target: Path, *, sha256: str | None = None, timeout_seconds: float = 600) -> SourceFile:
    """Fetch OpenHowNet's resources through its own package into a new folder `target`.

    The package knows the address, but neither a time limit nor a checksum, and writes into the home folder:
    it runs apart, with a home of its own, and its files move to `target` once they are complete and readable.

    Args:
        target: folder to make; it must not exist.
        sha256: the digest that `HowNet_dict_complete` must have; None accepts any and returns what came.
    Raises:
        SeeError: `target` exists or cannot be made, or the download fails, takes longer, or has another digest.
        FormatError: what came is refused by `read_openhownet`.
    """
    if target.exists():
        raise SeeError(f"{target}: exists already; name a new folder")
    if not target.parent.is_dir():
        raise SeeError(f"{target.parent}: no such folder; make it first")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.partial-") as home:
        _run_download(Path(home), timeout_seconds)
        folder = next((found.parent for found in sorted(Path(home).rglob(SENSES_FILE))), None)
        if folder is None:
            raise SeeError(f"OpenHowNet's download ended without {SENSES_FILE}; try again, or fetch it by hand")
        (source,) = read_openhownet(folder).files
        if sha256 is not None and source.sha256 != sha256:
            raise SeeError(f"{SENSES_FILE} has SHA-256 {source.sha256}, expected {sha256}; nothing was kept")
        shutil.move(folder, target)
    return source


def _run_download(home: Path, timeout_seconds: float) -> None:
    code = "import OpenHowNet; OpenHowNet.download()"
    environment = {**os.environ, "HOME": str(home), "USERPROFILE": str(home)}
    advice = "check the network, or fetch OpenHowNet's resources by hand and name their folder"
    try:
        subprocess.run(  # noqa: S603 - our own interpreter and a fixed command
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            timeout=timeout_seconds,
            env=environment,
        )
    except subprocess.TimeoutExpired as error:
        raise SeeError(f"OpenHowNet's download took over {timeout_seconds:.0f} seconds; {advice}") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip().splitlines()
        reason = said[-1][:200] if said else f"exit status {error.returncode}"
        raise SeeError(f"OpenHowNet's download failed ({reason}); {advice}") from error
