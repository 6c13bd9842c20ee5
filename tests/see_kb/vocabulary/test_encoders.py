"""Tokenizers that cannot be read, or cannot cut a text, say so with their file."""

import pytest

from see_kb.errors import FormatError
from see_kb.vocabulary.encoders import read_encoder


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer.model"])
def test_a_damaged_tokenizer_is_refused_with_its_name(tmp_path, name):
    if name.endswith("json"):
        pytest.importorskip("tokenizers", reason="needs the extra hf")
    (tmp_path / name).write_bytes(b"{damaged")
    with pytest.raises(FormatError, match=f"{name}: its library refuses it"):
        read_encoder(tmp_path / name, special=False)


def test_a_tokenizer_is_known_by_what_it_holds_not_by_its_name(tmp_path):
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra hf")
    file = tmp_path / "words.tokenizer"
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"dog": 0, "[UNK]": 1}, unk_token="[UNK]")).save(str(file))
    assert read_encoder(file, special=False)(["dog", "cat"]) == [[0], [1]]


def test_a_text_that_the_library_cannot_cut_is_refused_with_the_file(tmp_path):
    """Words alone and no piece for unknown ones: the library raises when it meets one."""
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra hf")
    file = tmp_path / "tokenizer.json"
    tokenizers.Tokenizer(tokenizers.models.WordLevel({"dog": 0}, unk_token="[UNK]")).save(str(file))
    encode = read_encoder(file, special=False)
    assert encode(["dog"]) == [[0]]
    with pytest.raises(FormatError, match=r"tokenizer\.json: its library refuses it"):
        encode(["cat"])


def test_a_text_is_cut_in_one_way_also_by_a_tokenizer_with_dropout(tmp_path):
    tokenizers = pytest.importorskip("tokenizers", reason="needs the extra hf")
    pieces, file = {"a": 0, "b": 1, "ab": 2}, tmp_path / "tokenizer.json"
    tokenizers.Tokenizer(tokenizers.models.BPE(pieces, [("a", "b")], dropout=0.5)).save(str(file))
    assert read_encoder(file, special=False)(["ab"] * 50) == [[2]] * 50
