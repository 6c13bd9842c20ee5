"""Vocabularies in JSON: the families of `tokenizer.json`, and plain objects from piece to id."""

import json

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from see_kb.errors import FormatError
from see_kb.vocabulary.pieces import MAX_PIECES, Piece
from see_kb.vocabulary.reader import read_vocabulary
from tests.shared_data import TOKENIZERS, needs_shared


@pytest.fixture
def read(tmp_path):
    def write_and_read(content):
        file = tmp_path / "tokenizer.json"
        if isinstance(content, Tokenizer):
            content.save(str(file))
        else:
            file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return read_vocabulary(file)

    return write_and_read


def seen(vocabulary):
    return {piece.piece: (piece.surface, piece.kind, piece.starts_word) for piece in vocabulary.pieces}


def test_wordpiece_marks_what_continues_a_word(read):
    vocabulary = {"[PAD]": 0, "[unused0]": 1, "[UNK]": 2, "man": 3, "##s": 4, "##": 5, "人": 6, "[MASK]": 7}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]"])
    tokenizer.add_tokens(["<new>"])
    result = read(tokenizer)
    assert result.format == "tokenizer.json"
    assert [piece.piece_id for piece in result.pieces] == list(range(9))
    assert seen(result) == {
        "[PAD]": ("[PAD]", "control", False),
        "[unused0]": ("[unused0]", "unused", False),
        "[UNK]": ("[UNK]", "unknown", False),
        "man": ("man", "normal", True),
        "##s": ("s", "normal", False),
        "##": ("##", "normal", True),
        "人": ("人", "normal", True),
        "[MASK]": ("[MASK]", "control", False),
        "<new>": ("<new>", "user_defined", False),
    }


def test_byte_level_pieces_are_spelled_in_utf8_and_split_characters_are_bytes(read):
    signs = ["Ġman", "man", "Ġ", "ĠĠ", "Ċ", "äº", "º", "äºº", "Ġäºº", "Ã©", "!", "<|endoftext|>"]
    tokenizer = Tokenizer(models.BPE({sign: number for number, sign in enumerate(signs)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    assert seen(read(tokenizer)) == {
        "Ġman": ("man", "normal", True),
        "man": ("man", "normal", False),
        "Ġ": (" ", "normal", False),
        "ĠĠ": ("  ", "normal", False),
        "Ċ": ("\n", "normal", False),
        "äº": ("<0xE4><0xBA>", "byte", False),  # 人 is E4 BA BA
        "º": ("<0xBA>", "byte", False),
        "äºº": ("人", "normal", False),
        "Ġäºº": ("人", "normal", True),
        "Ã©": ("é", "normal", False),
        "!": ("!", "normal", False),
        "<|endoftext|>": ("<|endoftext|>", "control", False),
    }


def test_every_byte_of_a_byte_level_alphabet_is_itself(read):
    tokenizer = Tokenizer(
        models.BPE({sign: n for n, sign in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, [])
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    pieces = read(tokenizer).pieces
    bytes_read = [
        piece.surface.encode() if piece.kind == "normal" else bytes([int(piece.surface[3:5], 16)]) for piece in pieces
    ]
    assert sorted(bytes_read) == [bytes([byte]) for byte in range(256)]
    assert sum(piece.kind == "normal" for piece in pieces) == 128


def test_a_trained_byte_level_tokenizer_spells_its_text_back(read):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    text = "the man saw 医生 and the naïve dog"
    tokenizer.train_from_iterator([text] * 5, trainer)
    pieces = read(tokenizer).pieces
    spelled = b""
    for number in tokenizer.encode(text).ids:
        piece = pieces[number]
        if piece.kind == "byte":
            spelled += bytes.fromhex(piece.surface.replace("<0x", "").replace(">", ""))
        else:
            spelled += (" " * piece.starts_word + piece.surface).encode()
    assert spelled.decode() == text


def test_unigram_ids_are_places_in_the_list(read):
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁man", -1.0), ("s", -2.0), ("<0xE4>", -3.0)], 0, True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    result = read(tokenizer)
    assert result.pieces == (
        Piece(0, "<unk>", "<unk>", "unknown", starts_word=False),
        Piece(1, "▁man", "man", "normal", starts_word=True),
        Piece(2, "s", "s", "normal", starts_word=False),
        Piece(3, "<0xE4>", "<0xE4>", "byte", starts_word=False),
    )


def test_an_end_of_word_mark_tells_what_may_begin_a_word(read):
    model = models.BPE(
        {"<unk>": 0, "man</w>": 1, "man": 2, "</w>": 3}, [], end_of_word_suffix="</w>", unk_token="<unk>"
    )
    assert seen(read(Tokenizer(model))) == {
        "<unk>": ("<unk>", "unknown", False),
        "man</w>": ("man", "normal", True),
        "man": ("man", "normal", True),
        "</w>": ("</w>", "normal", False),
    }


def test_an_end_of_word_mark_on_byte_level_pieces_is_taken_off_before_they_are_spelled(read):
    """CLIP's layout."""
    signs = ["man</w>", "man", "Ã©</w>", "äº</w>", "</w>"]
    model = models.BPE({sign: number for number, sign in enumerate(signs)}, [], end_of_word_suffix="</w>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    assert seen(read(tokenizer)) == {
        "man</w>": ("man", "normal", True),
        "man": ("man", "normal", True),
        "Ã©</w>": ("é", "normal", True),
        "äº</w>": ("<0xE4><0xBA>", "byte", False),
        "</w>": ("</w>", "normal", False),
    }


def test_what_ends_a_word_is_known_where_that_is_marked(read):
    marked = read({"man": 0, "man</w>": 1, "s</w>": 2, "</w>": 3}).pieces
    assert [(piece.ends_word, piece.unmarked) for piece in marked] == [(0, 1), (1, 1), (1, 1), (0, 0)]
    continued = read({"doc@@": 0, "un@@": 1, "dogs": 2, "<s>": 3}).pieces
    assert [(piece.ends_word, piece.unmarked) for piece in continued] == [(0, 1), (0, 1), (1, 1), (0, 0)]
    assert not any(piece.unmarked or piece.ends_word for piece in read({"▁man": 0, "s": 1}).pieces)


def test_bpe_without_marks_tells_nothing_of_words(read):
    tokenizer = Tokenizer(models.BPE({"dog": 0, "s": 1, "dogs": 2, "<s>": 3}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    assert [(piece.starts_word, piece.unmarked) for piece in read(tokenizer).pieces] == [(1, 1)] * 3 + [(0, 0)]


def test_bpe_may_mark_what_continues_a_word(read):
    model = models.BPE({"m": 0, "##s": 1, "man": 2, "<s>": 3}, [], continuing_subword_prefix="##")
    assert seen(read(Tokenizer(model))) == {
        "m": ("m", "normal", True),
        "##s": ("s", "normal", False),
        "man": ("man", "normal", True),
        "<s>": ("<s>", "control", False),
    }


def test_a_list_of_words_has_whole_words(read):
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "went": 1, "less": 2}, unk_token="[UNK]"))
    assert seen(read(tokenizer)) == {
        "[UNK]": ("[UNK]", "unknown", False),
        "went": ("went", "normal", True),
        "less": ("less", "normal", True),
    }


@pytest.mark.parametrize(
    "model",
    [
        models.WordPiece({"[UNK]": 0, "man": 1, "##s": 2}, unk_token="[UNK]"),
        models.BPE({"man": 0, "▁man": 1}, []),
        models.WordLevel({"<unk>": 0, "man": 1}, unk_token="<unk>"),
        models.Unigram([("<unk>", 0.0), ("▁man", -1.0), ("man", -2.0)], unk_id=0),
    ],
)
def test_a_model_without_its_type_is_what_its_library_takes_it_for(read, model):
    """Files of early releases name no type."""
    content = json.loads(Tokenizer(model).to_str())
    del content["model"]["type"]
    assert type(Tokenizer.from_str(json.dumps(content)).model) is type(model)
    assert read(content).pieces == read(Tokenizer(model)).pieces


def test_added_tokens_are_control_or_user_defined(read):
    tokenizer = Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
    tokenizer.add_special_tokens([AddedToken("<ctl>", special=True)])
    tokenizer.add_tokens([AddedToken("b", special=False), AddedToken("<usr>", special=False)])
    kinds = {piece.piece: piece.kind for piece in read(tokenizer).pieces}
    assert kinds == {"a": "unknown", "b": "user_defined", "<ctl>": "control", "<usr>": "user_defined"}


def test_plain_ids_may_come_in_any_order_and_gaps_become_unused(read):
    result = read({"▁man": 3, "<s>": 0, "▁dog": 1})
    assert result.format == "vocab.json"
    assert [(piece.piece_id, piece.kind, piece.surface) for piece in result.pieces] == [
        (0, "control", "<s>"),
        (1, "normal", "dog"),
        (2, "unused", ""),
        (3, "normal", "man"),
    ]


@pytest.mark.parametrize(
    ("content", "piece", "expected"),
    [
        ({"▁man": 0, "▁dog": 1, "s": 2}, 0, ("man", True)),
        ({"Ġman": 0, "Ġdog": 1, "s": 2}, 0, ("man", True)),
        ({"man": 0, "##s": 1, "##ed": 2}, 1, ("s", False)),
        ({"man": 0, "##s": 1, "##ed": 2}, 0, ("man", True)),
        ({"man": 0, "man</w>": 1, "é</w>": 2, "人</w>": 3}, 2, ("é", True)),
        ({"man": 0, "man</w>": 1, "Ã©</w>": 2, "Ã©": 3}, 2, ("é", True)),
        ({"man": 0, "man</w>": 1, "Ã©</w>": 2, "Ã©": 3}, 3, ("é", True)),
        ({"un@@": 0, "doc@@": 1, "dogs": 2, "@@": 3}, 0, ("un", True)),
        ({"un@@": 0, "doc@@": 1, "dogs": 2, "@@": 3}, 3, ("@@", False)),
        ({"▁": 0, "##": 1, "###": 2, "人": 3}, 0, (" ", False)),
        ({"man": 0, "s": 1}, 0, ("man", True)),
    ],
)
def test_the_commonest_mark_of_a_plain_vocabulary_decides(read, content, piece, expected):
    found = read(content).pieces[piece]
    assert (found.surface, found.starts_word) == expected


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"a": 0, "b": 0}, "share the id 0"),
        ({"a": -1}, "id -1"),
        ({"a": MAX_PIECES}, f"id {MAX_PIECES}"),
        ({"a": 10**30}, "id 1000"),
        ({"a": 0.5}, "no tokenizer"),
        ({"a": True}, "no tokenizer"),
        ({}, "no tokenizer"),
        ({"text": "hello"}, "no tokenizer"),
        ({"model": {"type": "BPE"}}, "no vocabulary"),
        ({"model": {"type": "BPE", "vocab": {}}}, "without pieces"),
        ({"model": {"type": "Unigram", "vocab": []}}, "without pieces"),
        (
            {"model": {"type": "BPE", "vocab": {"a": 0}}, "added_tokens": [{"content": "b", "id": 0, "special": True}]},
            "share",
        ),
        ({"model": {"type": "BPE", "vocab": {"a": 0}}, "added_tokens": [{"id": 1, "special": True}]}, "not laid out"),
        ({"model": {"type": "Unigram", "vocab": [["a", 0]], "unk_id": 7}}, "not laid out"),
        ('{"a": 0,', "damaged JSON"),
        ('{"a": 0}\n{"b": 1}', "damaged JSON"),
        ("{" * 100_000, "damaged JSON"),
        ('{"a":' * 100_000, "damaged JSON"),
    ],
)
def test_a_vocabulary_that_is_none_is_refused_by_name(read, tmp_path, content, problem):
    with pytest.raises(FormatError, match=problem) as caught:
        read(content)
    assert str(caught.value).startswith(f"{tmp_path / 'tokenizer.json'}:")
    assert len(str(caught.value)) < 400


def test_damaged_json_is_named_with_its_line(read, tmp_path):
    with pytest.raises(FormatError) as caught:
        read('{\n"a": 0,\n"b" 1\n}')
    assert str(caught.value).startswith(f"{tmp_path / 'tokenizer.json'}:3:")


@needs_shared
def test_a_real_wordpiece_has_the_pieces_that_its_library_has():
    pieces = read_vocabulary(TOKENIZERS[4]).pieces
    tokenizer = Tokenizer.from_file(str(TOKENIZERS[4]))
    assert len(pieces) == tokenizer.get_vocab_size() == 30_522
    assert all(tokenizer.token_to_id(piece.piece) == piece.piece_id for piece in pieces)
    kinds = [piece.kind for piece in pieces]
    assert [kinds.count(kind) for kind in ("control", "unknown", "unused")] == [4, 1, 994]


def test_a_plain_vocabulary_without_marks_is_read_as_it_is_spelled(read):
    assert {kind for _, kind, _ in seen(read({"café": 0, "the": 1, "é": 2, "été": 3})).values()} == {"normal"}


def test_a_byte_order_mark_before_json_is_passed_over(read):
    assert seen(read("\ufeff" + json.dumps({"▁a": 0}))) == {"▁a": ("a", "normal", True)}
