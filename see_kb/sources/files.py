"""Bytes into text: which encoding a dictionary file is in, and what to say when it is in none."""

import hashlib
from pathlib import Path

from see_kb.errors import FormatError, SeeError

MAX_BYTES = 2**30
"""Size up to which a dictionary or tokenizer file is read; the full HowNet has 40 MB."""

MIN_UTF8_SIGNS = 8
"""So many characters beyond ASCII, sound in UTF-8, are no chance: text in GB18030 was seen to have two."""

_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path) -> bytes:
    """Read a whole file of at most `MAX_BYTES`.

    Raises:
        SeeError: the file is missing, no regular file, unreadable, or too large.
    """
    if not path.exists():
        raise SeeError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise SeeError(f"{path}: not a file; name a file")
    if path.stat().st_size > MAX_BYTES:
        raise SeeError(f"{path}: {path.stat().st_size} bytes; files of up to {MAX_BYTES} bytes are read")
    try:
        return path.read_bytes()
    except OSError as error:
        raise SeeError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error


def sha256_of(data: bytes) -> str:
    """Give the SHA-256 of some bytes in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def has_half_character(text: str) -> bool:
    """Tell whether a text holds a surrogate: half a character, or a byte that Python could not decode."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def decode_text(data: bytes, path: Path) -> str:
    r"""Decode UTF-8 (with or without a mark) or GB18030, HowNet's own encoding, and end each line in `\n`.

    A file with `MIN_UTF8_SIGNS` characters of UTF-8 beyond ASCII before its first fault is taken for damaged
    UTF-8, not for GB18030, in which nearly every sequence of bytes means something.

    Raises:
        FormatError: the bytes are in neither encoding; the message has the line.
    """
    if data.startswith(_UTF16_MARKS):
        raise FormatError(f"{path}:1: UTF-16 text; convert the file to UTF-8 or GB18030")
    if (nul := data.find(b"\x00")) >= 0:
        raise FormatError(f"{path}:{_line(data, nul)}: binary data (a NUL byte); give a text file")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        text = _decode_gb18030(data, path, error)
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _decode_gb18030(data: bytes, path: Path, fault: UnicodeDecodeError) -> str:
    signs = sum(not sign.isascii() for sign in data[: fault.start].decode())
    place, remedy = f"{path}:{_line(data, fault.start)}", "save the file as UTF-8 or GB18030"
    if signs >= MIN_UTF8_SIGNS:
        raise FormatError(f"{place}: damaged UTF-8 (byte 0x{data[fault.start]:02x}); mend it, or {remedy}")
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError as error:
        place = f"{path}:{_line(data, error.start)}"
        raise FormatError(f"{place}: neither UTF-8 nor GB18030 (byte 0x{data[error.start]:02x}); {remedy}") from error
    if (at := next((i for i, sign in enumerate(text) if _is_unlikely(sign)), -1)) >= 0:
        line = text.count("\n", 0, at) + 1
        raise FormatError(f"{path}:{line}: no sensible text in GB18030 nor UTF-8; {remedy}")
    return text


def _is_unlikely(sign: str) -> bool:
    """Private-use and replacement characters, which text in another encoding turns into."""
    return "\ue000" <= sign <= "\uf8ff" or sign == "\ufffd"


def _line(data: bytes, offset: int) -> int:
    return data.count(b"\n", 0, offset) + 1
