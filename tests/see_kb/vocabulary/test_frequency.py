"""Lists of words with their frequencies, and how they are spread over pieces."""

import gzip
import json
from collections import Counter
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from see_kb.errors import FormatError, SeeError
from see_kb.vocabulary.encoders import read_encoder
from see_kb.vocabulary.frequency import piece_frequencies, read_frequencies
from see_kb.vocabulary.reader import read_vocabulary
from tests.shared_data import FREQUENCY, TOKENIZERS, needs_shared
from tests.small_data import sentencepiece_model


@pytest.fixture
def listed(tmp_path):
    def write(text, name="words.tsv"):
        file = tmp_path / name
        data = text if isinstance(text, bytes) else text.encode()
        file.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return file

    return write


@given(st.dictionaries(st.text("abc人 '", min_size=1).filter(str.strip), st.floats(0, 1e300), min_size=1))
def test_a_list_is_read_as_it_was_written(tmp_path_factory, words):
    file = tmp_path_factory.getbasetemp() / "list.tsv"
    file.write_text("".join(f"{word}\t{value!r}\n" for word, value in words.items()), encoding="utf-8")
    assert read_frequencies(file) == words


@pytest.mark.parametrize("name", ["words.tsv", "words.tsv.gz"])
def test_blank_lines_count_for_nothing_and_a_word_that_comes_again_is_added_up(listed, name):
    assert read_frequencies(listed("the\t5e-1\r\n\r\ncat\t1\nthe\t0.25", name)) == {"the": 0.75, "cat": 1.0}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\n\n", 1),
        ("the\t1\ncat", 2),
        ("the\t1\n\ncat\tmany", 3),
        ("the 1", 1),
        ("\t1", 1),
        ("the\t-1", 1),
        ("the\tnan", 1),
        ("the\tinf", 1),
        ("the\t1\t2", 1),
        ("x" * 1_000_000, 1),
    ],
)
def test_a_line_that_is_no_word_with_its_frequency_is_named(listed, text, line):
    file = listed(text)
    with pytest.raises(FormatError) as caught:
        read_frequencies(file)
    assert str(caught.value).startswith(f"{file}:{line}:")
    assert len(str(caught.value)) < len(str(file)) + 200


def test_damaged_gzip_data_and_a_missing_file_are_named(listed, tmp_path):
    file = listed("the\t1\n" * 1000, "words.tsv.gz")
    for data in (file.read_bytes()[:20], b"no gzip", b"", file.read_bytes()[:10] + b"\xff" * 20):
        file.write_bytes(data)
        with pytest.raises(FormatError) as caught:
            read_frequencies(file)
        assert str(caught.value).startswith(f"{file}:")
    with pytest.raises(SeeError, match="no such file"):
        read_frequencies(tmp_path / "missing")


def test_a_words_frequency_goes_to_each_of_its_pieces(tmp_path):
    file = tmp_path / "x.model"
    file.write_bytes(sentencepiece_model([("<unk>", 2), ("▁man", 1), ("s", 1), ("▁", 1), ("人", 1)]))
    words = {"man": 1.0, "mans": 2.0, "人": 4.0, "manss": 8.0, "qs": 16.0}
    # ▁man · ▁man s · 人, since Chinese has no spaces between words · ▁man s s · ▁ <unk> s
    assert piece_frequencies(words, file, "sentencepiece", 5) == [16.0, 11.0, 34.0, 16.0, 4.0]


@pytest.mark.parametrize("dummy", [False, True])
def test_words_are_cut_as_after_a_space_whether_or_not_the_tokenizer_puts_one_before_a_text(tmp_path, dummy):
    pieces = [("<unk>", 2), ("man", 1), ("▁man", 1), ("▁", 1), ("s", 1), ("人", 1), (".", 1), ("。", 1)]
    (tmp_path / "x.model").write_bytes(sentencepiece_model(pieces, dummy_prefix=dummy))
    found = piece_frequencies({"man": 1.0, "mans": 2.0, "人": 4.0, "s": 8.0}, tmp_path / "x.model", "sentencepiece", 8)
    assert found == [0.0, 0.0, 3.0, 8.0, 10.0, 4.0, 0.0, 0.0]


def test_byte_level_words_have_the_pieces_that_a_text_has(tmp_path):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    text = "the cat and the cats. 他们 and a man, a plan"
    trainer = trainers.BpeTrainer(vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([text], trainer)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    words = {"the": 2.0, "cats": 3.0, "他们": 5.0, "'s": 7.0}
    found = piece_frequencies(words, tmp_path / "tokenizer.json", "tokenizer.json", tokenizer.get_vocab_size())
    expected = [0.0] * tokenizer.get_vocab_size()
    for pieces, count in ((" the", 2.0), (" cats", 3.0), ("他们", 5.0), ("'s", 7.0)):
        for piece_id in tokenizer.encode(pieces).ids:
            expected[piece_id] += count
    assert found == expected


@needs_shared
@pytest.mark.parametrize("path", TOKENIZERS, ids=lambda path: path.stem)
def test_words_have_the_pieces_of_a_running_text(path):
    """The judge cuts texts of ten words each."""
    words = [word for word in list(read_frequencies(FREQUENCY / "en.tsv.gz"))[:3000] if word.isalpha()]
    vocabulary, encode = read_vocabulary(path), read_encoder(path, special=False)
    texts = [". " + " ".join(words[start : start + 10]) for start in range(0, len(words), 10)]
    counts = Counter(chain(*encode(texts)))
    counts.subtract(list(encode(["."])[0]) * len(texts))
    found = piece_frequencies(dict.fromkeys(words, 1.0), path, vocabulary.format, len(vocabulary.pieces))
    assert found == [counts[piece_id] for piece_id in range(len(found))]


def test_a_tokenizer_json_is_used_without_its_padding_truncation_and_special_pieces(tmp_path):
    tokenizer = Tokenizer(models.WordPiece({"[PAD]": 0, "[UNK]": 1, "man": 2, "##s": 3}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_padding(length=8)
    tokenizer.enable_truncation(1)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    words = {"mans": 1.0, "man man": 2.0, "zzz": 4.0}
    assert piece_frequencies(words, tmp_path / "tokenizer.json", "tokenizer.json", 4) == [0.0, 4.0, 5.0, 1.0]


def test_a_plain_vocabulary_cannot_cut_words(tmp_path):
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0}))
    with pytest.raises(SeeError, match="plain vocabulary"):
        piece_frequencies({"a": 1.0}, tmp_path / "vocab.json", "vocab.json", 1)


def test_a_tokenizer_that_its_library_refuses_is_an_error_of_ours(tmp_path):
    (tmp_path / "tokenizer.json").write_text('{"model": {"type": "Nonsense", "vocab": {"a": 0}}}')
    with pytest.raises(SeeError, match=r"tokenizer\.json"):
        piece_frequencies({"a": 1.0}, tmp_path / "tokenizer.json", "tokenizer.json", 1)
    (tmp_path / "tokenizer.model").write_bytes(sentencepiece_model([("<unk>", 2), ("a", 1), ("a", 1)]))
    with pytest.raises(SeeError, match=r"tokenizer\.model"):
        piece_frequencies({"a": 1.0}, tmp_path / "tokenizer.model", "sentencepiece", 3)
