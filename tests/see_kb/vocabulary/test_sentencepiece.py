"""SentencePiece's models: hand-made ones for each kind of piece, trained ones against the library itself."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from see_kb.errors import FormatError, SeeError
from see_kb.vocabulary.pieces import Piece
from see_kb.vocabulary.reader import read_vocabulary
from tests.shared_data import TOKENIZERS, needs_shared
from tests.small_data import BYTE, CONTROL, NORMAL, UNKNOWN, UNUSED, USER_DEFINED, sentencepiece_model

TEXT = ["the man saw the dog", "医生 saw the happy man", "a house on fire", "the doctor is happy", "中国 人"] * 20


def trained(path, **options):
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(TEXT),
        model_writer=model,
        num_threads=1,
        minloglevel=2,
        hard_vocab_limit=False,
        **options,
    )
    path.write_bytes(model.getvalue())
    return path


def read(tmp_path, *pieces):
    file = tmp_path / "x.model"
    file.write_bytes(sentencepiece_model(pieces))
    return read_vocabulary(file).pieces


@pytest.mark.parametrize(
    ("piece", "surface", "starts_word"),
    [
        ("▁man", "man", True),
        ("man", "man", False),
        ("▁", " ", False),
        ("▁▁", "  ", False),
        ("▁▁man", " man", True),
        ("man▁", "man ", False),
        ("▁go▁on", "go on", True),
        ("##man", "##man", False),
        ("\x00", "\x00", False),
        ("\n", "\n", False),
        ("人", "人", False),
    ],
)
def test_the_sign_for_a_space_starts_a_word(tmp_path, piece, surface, starts_word):
    assert read(tmp_path, ("<unk>", UNKNOWN), (piece, NORMAL))[1] == Piece(1, piece, surface, "normal", starts_word)


def test_a_model_that_puts_spaces_behind_words_tells_where_they_end(tmp_path):
    options = {"model_type": "bpe", "vocab_size": 80, "treat_whitespace_as_suffix": True}
    pieces = {piece.piece: piece for piece in read_vocabulary(trained(tmp_path / "x.model", **options)).pieces}
    assert (pieces["the▁"].surface, pieces["the▁"].ends_word, pieces["the▁"].unmarked) == ("the", True, True)
    assert (pieces["d"].starts_word, pieces["d"].ends_word, pieces["d"].unmarked) == (True, False, True)
    assert not pieces["▁"].starts_word


def test_each_type_has_its_kind(tmp_path):
    pieces = read(
        tmp_path,
        ("<unk>", UNKNOWN),
        ("<s>", CONTROL),
        ("a", NORMAL),
        ("▁<sep>", USER_DEFINED),
        ("<0x0A>", BYTE),
        ("▁gone", UNUSED),
    )
    assert [(piece.kind, piece.surface) for piece in pieces] == [
        ("unknown", "<unk>"),
        ("control", "<s>"),
        ("normal", "a"),
        ("user_defined", "<sep>"),
        ("byte", "<0x0A>"),
        ("unused", "▁gone"),
    ]
    assert [piece.starts_word for piece in pieces] == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    "options",
    [
        {"model_type": "unigram", "vocab_size": 60},
        {"model_type": "bpe", "vocab_size": 330, "byte_fallback": True},
        {"model_type": "char", "vocab_size": 40},
        {"model_type": "word", "vocab_size": 18},
        {"model_type": "unigram", "vocab_size": 70, "user_defined_symbols": ["<sep>", "[/INST]"]},
        {"model_type": "unigram", "vocab_size": 60, "add_dummy_prefix": False, "control_symbols": ["<x>"]},
    ],
    ids=["unigram", "bpe with bytes", "characters", "words", "user-defined", "no dummy prefix"],
)
def test_trained_models_are_read_as_the_library_reads_them(tmp_path, options):
    file = trained(tmp_path / "x.model", **options)
    vocabulary = read_vocabulary(file)
    assert (vocabulary.name, vocabulary.format) == ("x.model", "sentencepiece")
    _assert_agrees(vocabulary.pieces, SentencePieceProcessor(model_file=str(file)))
    if options.get("byte_fallback"):
        assert sum(piece.kind == "byte" for piece in vocabulary.pieces) == 256
    user_defined = [piece.surface for piece in vocabulary.pieces if piece.kind == "user_defined"]
    assert user_defined == options.get("user_defined_symbols", [])


@needs_shared
@pytest.mark.parametrize("file", TOKENIZERS[:4], ids=lambda file: file.stem)
def test_real_models_are_read_as_the_library_reads_them(file):
    _assert_agrees(read_vocabulary(file).pieces, SentencePieceProcessor(model_file=str(file)))


def _assert_agrees(pieces, processor):
    assert [piece.piece_id for piece in pieces] == list(range(processor.get_piece_size()))
    tests = {
        "control": processor.is_control,
        "unknown": processor.is_unknown,
        "byte": processor.is_byte,
        "unused": processor.is_unused,
    }
    for piece in pieces:
        assert piece.piece == processor.id_to_piece(piece.piece_id)
        true = [kind for kind, holds in tests.items() if holds(piece.piece_id)]
        assert true == ([piece.kind] if piece.kind in tests else [])
        if piece.kind in ("normal", "user_defined"):
            assert ("▁" if piece.starts_word else "") + piece.surface.replace(" ", "▁") == piece.piece


def test_a_damaged_model_is_refused_by_name(tmp_path):
    whole = trained(tmp_path / "x.model", model_type="unigram", vocab_size=60).read_bytes()
    file = tmp_path / "damaged.model"
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="no SentencePiece model") as caught:
        read_vocabulary(file)
    assert str(caught.value).startswith(f"{file}:")


@pytest.mark.parametrize("data", [b"", b"NO.=1\nW_C=a\n", b"PK\x03\x04", b"\x1f\x8b\x08", b"[]", b"null", b"12"])
def test_a_file_that_is_no_tokenizer_is_refused_by_name(tmp_path, data):
    file = tmp_path / "x.model"
    file.write_bytes(data)
    with pytest.raises(FormatError) as caught:
        read_vocabulary(file)
    assert str(caught.value).startswith(f"{file}:")


def test_a_model_without_pieces_is_refused(tmp_path):
    with pytest.raises(FormatError, match="without pieces"):
        read(tmp_path)


def test_a_piece_that_is_not_utf8_is_refused(tmp_path):
    file = tmp_path / "x.model"
    file.write_bytes(b"\x0a\x04\x0a\x02\xff\xfe")  # one piece whose text is two bytes
    with pytest.raises(FormatError):
        read_vocabulary(file)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    for path, problem in ((tmp_path / "missing", "no such file"), (tmp_path, "not a file")):
        with pytest.raises(SeeError, match=problem):
            read_vocabulary(path)


@given(st.binary(max_size=200))
def test_random_bytes_raise_nothing_but_a_see_error(tmp_path_factory, data):
    _read_or_see_error(tmp_path_factory.getbasetemp() / "random.model", data)


@given(
    st.lists(st.tuples(st.text(max_size=4), st.integers(1, 6)), min_size=1, max_size=4),
    st.integers(0),
    st.integers(0, 255),
)
def test_a_model_with_one_byte_changed_raises_nothing_but_a_see_error(tmp_path_factory, pieces, place, byte):
    data = bytearray(sentencepiece_model(pieces))
    data[place % len(data)] = byte
    _read_or_see_error(tmp_path_factory.getbasetemp() / "changed.model", bytes(data))


def _read_or_see_error(file, data):
    file.write_bytes(data)
    problem, pieces = f"{file}:", ()
    try:
        pieces = read_vocabulary(file).pieces
    except SeeError as error:
        problem = str(error)
    assert problem.startswith(f"{file}:")
    assert [piece.piece_id for piece in pieces] == list(range(len(pieces)))
    assert all(isinstance(piece.piece, str) and piece.piece.encode() is not None for piece in pieces)
