"""Parallel text: two files with as many lines, a line of one translating the same line of the other."""

import codecs
import gzip
import zlib
from collections.abc import Set
from dataclasses import dataclass
from pathlib import Path

from see_kb.errors import FormatError, SeeError


@dataclass(frozen=True)
class ParallelText:
    """Sentences and their translations, in order."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sources)

    def part(self, start: int | None, stop: int | None) -> "ParallelText":
        """Some of the sentences, as a slice."""
        return ParallelText(self.sources[start:stop], self.targets[start:stop])

    def chosen(self, numbers: Set[int]) -> "ParallelText":
        """The sentences of some numbers, in order."""
        order = sorted(numbers)
        return ParallelText(tuple(self.sources[one] for one in order), tuple(self.targets[one] for one in order))


def read_lines(path: Path, *, blank: bool = False) -> tuple[str, ...]:
    """Read a text file, plain or `.gz`, UTF-8 with or without a mark, without the ends of its lines.

    Args:
        path: the file.
        blank: whether empty lines are left out, not refused.
    Raises:
        SeeError: it cannot be read.
        FormatError: a line is not UTF-8, has a NUL byte, or is empty.
    """
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise SeeError(f"{path}: cannot be read ({error}); name a text file, plain or .gz") from error
    lines = []
    data = data.removeprefix(codecs.BOM_UTF8)
    for number, raw in enumerate(data.removesuffix(b"\n").split(b"\n"), 1):
        try:
            line = raw.decode().strip()
        except UnicodeDecodeError as error:
            raise FormatError(f"{path}:{number}: not UTF-8 ({error.reason}); convert or remove the line") from error
        if "\0" in line:
            raise FormatError(f"{path}:{number}: binary data (a NUL byte); give a text file")
        if blank and not line:
            continue
        if not line:
            raise FormatError(f"{path}:{number}: an empty line; remove it, in its translation too")
        lines.append(line)
    return tuple(lines)


def read_parallel(source: Path, target: Path) -> ParallelText:
    """Read a text and its translation.

    Raises:
        SeeError: a file cannot be read, or they differ in their number of lines.
    """
    text = ParallelText(read_lines(source), read_lines(target))
    if len(text.sources) != len(text.targets):
        raise FormatError(
            f"{target}: {len(text.targets)} lines, {source} has {len(text.sources)}; each line needs a translation"
        )
    return text
