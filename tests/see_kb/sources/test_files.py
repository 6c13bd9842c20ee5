"""Bytes into text, and what is said of bytes that are none."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.errors import FormatError, SeeError
from see_kb.sources import files
from see_kb.sources.files import decode_text, read_bytes


@given(st.text(st.characters(exclude_characters="\x00\r", exclude_categories=["Cs", "Co"])), st.booleans())
def test_utf8_is_read_as_it_was_written(tmp_path_factory, text, marked):
    data = (b"\xef\xbb\xbf" if marked else b"") + text.removeprefix("\ufeff").encode()
    assert decode_text(data, tmp_path_factory.getbasetemp()) == text.removeprefix("\ufeff")


@given(st.text("人医生动脉硬化症abc=\n").map("动脉".__add__))  # two characters that no UTF-8 spells
def test_gb18030_is_read_as_it_was_written(tmp_path_factory, text):
    assert decode_text(text.encode("gb18030"), tmp_path_factory.getbasetemp()) == text


def test_a_mark_of_gb18030_is_no_part_of_the_text(tmp_path):
    assert decode_text("\ufeffNO.=1\nW_C=人\n".encode("gb18030"), tmp_path) == "NO.=1\nW_C=人\n"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ("NO.=1\nW_C=人".encode("utf-16"), ":1:"),
        (b"a\nb\nc\x00", ":3:"),
        ("人医生动脉硬化症\n".encode() + b"a\n\xe4\xba\n", ":3:"),
        (b"\n\n\xff", ":3:"),
        ("a\nnaïve café\n".encode("latin-1"), ":2:"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path, data, place):
    path = tmp_path / "x.txt"
    with pytest.raises(FormatError) as caught:
        decode_text(data, path)
    assert str(caught.value).startswith(f"{path}{place}")


@given(st.binary())
def test_random_bytes_are_text_or_a_format_error(tmp_path_factory, data):
    try:
        text = decode_text(data, tmp_path_factory.getbasetemp())
    except FormatError:
        return
    assert "\r" not in text
    assert text.encode() is not None


def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_BYTES", 3)
    (tmp_path / "x").write_bytes(b"abc")
    assert read_bytes(tmp_path / "x") == b"abc"
    (tmp_path / "x").write_bytes(b"abcd")
    with pytest.raises(SeeError, match="4 bytes"):
        read_bytes(tmp_path / "x")


def test_a_pipe_is_no_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SeeError, match="not a file"):
        read_bytes(tmp_path / "pipe")
