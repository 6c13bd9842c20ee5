# ruff: noqa: E402  (what is imported needs the extra that is looked for first)
"""The tokenizer of a model folder: what is found, and Marian's, with a SentencePiece model for each side."""

import json
from dataclasses import replace

import pytest
import sentencepiece as spm

transformers = pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.build import build_tables
from pipelines.finetune.run import finetune
from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.texts import read_examples
from pipelines.finetune.tokenizer import find_tokenizer, read_encoders, tokenizer_files
from see_kb.errors import FormatError, SeeError
from see_kb.tables.store import read_table
from see_tn.models.saved import load_swapped
from tests.pipelines.finetune.runs import COMMON, MARIAN, OPTIONS, inputs
from tests.small_data import small_inputs

SOURCES = ["人 医生 火车", "医生 人", "火车 人 人 医生", "火车 医生"]
TARGETS = ["man doctor train", "doctor man", "train man man doctor", "train doctor"]


@pytest.fixture(scope="module")
def opus(tmp_path_factory):
    """A folder like those of OPUS-MT: one vocabulary, its ids in another order than those of the two models."""
    folder, pieces = tmp_path_factory.mktemp("opus"), []
    for name, texts in (("source", SOURCES), ("target", TARGETS)):
        spm.SentencePieceTrainer.train(
            sentence_iterator=iter(texts * 20),
            model_prefix=str(folder / name),
            vocab_size=14,
            hard_vocab_limit=False,
            minloglevel=2,
        )
        (folder / f"{name}.model").rename(folder / f"{name}.spm")
        model = spm.SentencePieceProcessor(model_file=str(folder / f"{name}.spm"))
        pieces += [model.id_to_piece(index) for index in range(3, len(model))]
    shared = sorted(set(pieces), reverse=True)
    vocabulary = {piece: index for index, piece in enumerate(("</s>", "<unk>", ">>eng<<", *shared, "<pad>"))}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    ids = {"vocab_size": len(vocabulary), "pad_token_id": len(vocabulary) - 1, "bos_token_id": None, "eos_token_id": 0}
    config = {**COMMON, **MARIAN, **ids, "decoder_start_token_id": ids["pad_token_id"]}
    transformers.MarianMTModel(transformers.MarianConfig(**config)).save_pretrained(folder)
    lines = [f"{source}\t{target}\n" for source, target in zip(SOURCES, TARGETS, strict=True)]
    (folder / "pairs.tsv").write_text("".join(lines * 50))
    build_tables(replace(small_inputs(folder), tokenizer=folder / "vocab.json"), folder / "tables")
    return folder


def by_hand(folder, side, text):
    """A text's ids as two look-ups give them, and the end."""
    ids = json.loads((folder / "vocab.json").read_text())
    model = spm.SentencePieceProcessor(model_file=str(folder / f"{side}.spm"))
    return [*(ids.get(piece, ids["<unk>"]) for piece in model.encode(text, out_type=str)), ids["</s>"]]


def examples(folder):
    special = SpecialIds(None, None, 0, None)
    encoders = read_encoders(find_tokenizer(folder, "marian"))
    return read_examples(folder / "pairs.tsv", encoders, special, 64, pairs=True, n_pieces=999)


def test_each_side_is_cut_by_its_own_model_and_numbered_by_the_vocabulary(opus):
    found = examples(opus)
    lines = (opus / "pairs.tsv").read_text().splitlines()
    for number, line in enumerate(lines[:20]):
        source, target = line.split("\t")
        assert found.sources[number] == by_hand(opus, "source", source)
        assert found.targets[number] == by_hand(opus, "target", target)
    assert 1 in by_hand(opus, "source", "cat")  # it has no such letters
    known = read_table(opus / "tables", "pieces").sort_by("piece_id").column("piece").to_pylist()
    assert known.index("</s>") == 0


def test_a_language_that_a_text_names_first_is_a_piece(opus, tmp_path):
    for path in (*tokenizer_files(opus / "vocab.json"), opus / "config.json"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "pairs.tsv").write_text(f">>eng<< {SOURCES[0]}\t{TARGETS[0]}\n")
    assert examples(tmp_path).sources == [[2, *by_hand(opus, "source", SOURCES[0])]]


def test_a_model_of_this_kind_is_trained_and_its_result_has_its_tokenizer(opus, tmp_path):
    given = replace(inputs(opus), model=opus, tables=opus / "tables", text=opus / "pairs.tsv")
    report = finetune(given, tmp_path / "run", OPTIONS)
    assert report.after < report.before - 0.3
    settings = json.loads((tmp_path / "run" / "run.json").read_text())
    assert set(settings["tokenizer_sha256"]) >= {"vocab.json", "source.spm", "target.spm"}
    load_swapped(tmp_path / "run" / "model")
    tokenizer = transformers.MarianTokenizer.from_pretrained(tmp_path / "run" / "model")
    assert tokenizer(SOURCES[0]).input_ids == by_hand(opus, "source", SOURCES[0])


def test_what_is_missing_damaged_or_of_two_vocabularies_is_named(opus, tmp_path):
    with pytest.raises(SeeError, match=r"no tokenizer.json and no .* no vocab.json, source.spm, target.spm; name"):
        find_tokenizer(tmp_path, "marian")
    for path in (*tokenizer_files(opus / "vocab.json"), opus / "pairs.tsv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "target.spm").write_bytes(b"no model")
    with pytest.raises(FormatError, match=r"vocab.json: its library refuses it .*; get the tokenizer anew"):
        examples(tmp_path)
    (tmp_path / "target_vocab.json").write_text("{}")
    with pytest.raises(SeeError, match=r"target_vocab.json: a vocabulary for each side"):
        examples(tmp_path)
