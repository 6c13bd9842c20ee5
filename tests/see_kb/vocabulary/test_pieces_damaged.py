"""JSON that is nearly a tokenizer: whatever stands where something else should, the error is one of ours."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.errors import FormatError, SeeError
from see_kb.vocabulary.reader import read_vocabulary

JUNK = [None, True, 5, -1, 0.5, "a", "", [], ["a"], [["a", 0]], {}, {"a": 0}, {"type": 5}, [None], [{}]]
SOUND = {
    "added_tokens": [{"content": "<s>", "id": 2, "special": True}],
    "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "ByteLevel"}]},
    "decoder": {"type": "Sequence", "decoders": [{"type": "ByteLevel"}]},
    "model": {
        "type": "BPE",
        "vocab": {"a": 0, "b": 1},
        "unk_token": None,
        "continuing_subword_prefix": None,
        "end_of_word_suffix": None,
    },
}


def places(value, path=()):
    """Every place of a JSON value, as the keys that lead there."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from places(inner, (*path, key))


def replaced(value, path, new):
    if not path:
        return new
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def read_or_see_error(file, content):
    file.write_text(json.dumps(content), encoding="utf-8")
    problem, pieces = str(file), ()
    try:
        pieces = read_vocabulary(file).pieces
    except SeeError as error:
        problem = str(error)
    assert problem.startswith(str(file))
    assert [piece.piece_id for piece in pieces] == list(range(len(pieces)))
    for piece in pieces:
        assert isinstance(piece.piece, str)
        assert (piece.piece + piece.surface).encode() is not None


@pytest.mark.parametrize("kind", ["BPE", "WordPiece", "Unigram", "WordLevel"])
@pytest.mark.parametrize("path", list(places(SOUND))[1:], ids=lambda path: ".".join(map(str, path)))
def test_a_wrong_value_anywhere_raises_nothing_but_a_see_error(tmp_path, kind, path):
    sound = replaced(SOUND, ("model", "type"), kind)
    for junk in JUNK:
        read_or_see_error(tmp_path / "tokenizer.json", replaced(sound, path, junk))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 5) | st.text("a#▁Ġ", max_size=2),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["model", "vocab", "type", "added_tokens", "content", "id", "a"]), inner)
        ),
        max_leaves=12,
    )
)
def test_arbitrary_json_raises_nothing_but_a_see_error(tmp_path_factory, content):
    read_or_see_error(tmp_path_factory.getbasetemp() / "arbitrary.json", {"model": content})
    read_or_see_error(tmp_path_factory.getbasetemp() / "arbitrary.json", {"model": {"vocab": content}, "a": content})


@pytest.mark.parametrize(
    "text",
    [
        r'{"\ud800": 0}',
        r'{"model": {"type": "BPE", "vocab": {"a\udfff": 0}}}',
        r'{"model": {"type": "Unigram", "vocab": [["\ud800", 0]]}}',
        r'{"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "\ud800", "id": 1, "special": true}]}',
    ],
)
def test_a_piece_that_no_encoding_spells_is_refused(tmp_path, text):
    file = tmp_path / "tokenizer.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_vocabulary(file)
    assert str(caught.value).startswith(str(file))
    assert str(caught.value).encode() is not None


def test_a_piece_that_a_list_has_twice_keeps_both_places(tmp_path):
    file = tmp_path / "tokenizer.json"
    file.write_text('{"model": {"type": "Unigram", "vocab": [["a", 0], ["b", -1], ["a", -1]]}}', encoding="utf-8")
    assert [piece.piece for piece in read_vocabulary(file).pieces] == ["a", "b", "a"]
