"""Arrays in a safetensors file, read in place."""

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from see_kb.errors import FormatError, SeeError
from see_kb.knowledge.arrays import open_arrays, read_arrays

ARRAYS = {"a": np.arange(5, dtype=np.int32), "b": np.array([2**40], dtype=np.int64), "c": np.zeros(0, dtype=np.uint8)}


def test_arrays_are_those_that_the_library_wrote(tmp_path):
    (tmp_path / "x").write_bytes(save(ARRAYS))
    read = open_arrays(tmp_path / "x", frozenset(ARRAYS))
    assert {name: values.tolist() for name, values in read.items()} == {k: v.tolist() for k, v in ARRAYS.items()}


def test_a_missing_array_or_file_is_named(tmp_path):
    with pytest.raises(FormatError, match="lacks d"):
        read_arrays(memoryview(save(ARRAYS)), Path("x"), frozenset("d"))
    with pytest.raises(SeeError, match="cannot be read"):
        open_arrays(tmp_path / "missing", frozenset())
    (tmp_path / "empty").touch()
    with pytest.raises(SeeError, match="cannot be read"):
        open_arrays(tmp_path / "empty", frozenset())


def spelled(header):
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + b"\0" * 8


@pytest.mark.parametrize(
    "data",
    [
        b"short",
        struct.pack("<Q", 2**60) + b"{}",
        spelled([]),
        spelled({"a": {"dtype": "I32", "data_offsets": [0, 400]}}),
        spelled({"a": {"dtype": "I32", "data_offsets": [4, 0]}}),
        spelled({"a": {"dtype": "I32", "data_offsets": [0, 3]}}),
        spelled({"a": {"dtype": "F64", "data_offsets": [0, 8]}}),
        spelled({"a": 1}),
    ],
)
def test_damaged_files_are_an_error(data):
    with pytest.raises(FormatError, match="damaged"):
        read_arrays(memoryview(data), Path("x"), frozenset())


@given(st.binary(max_size=60))
def test_no_bytes_do_harm(data):
    with pytest.raises(FormatError, match=r"damaged|lacks a"):
        read_arrays(memoryview(data), Path("x"), frozenset("a"))
