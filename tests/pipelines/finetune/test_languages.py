# ruff: noqa: E402  (what is imported needs the extra that is looked for first)
"""Models of several languages: each side has the piece of its language, as transformers' own classes put it."""

from dataclasses import replace

import pytest
import torch

transformers = pytest.importorskip("transformers", reason="needs the extra hf")

from transformers.models.mbart.modeling_mbart import shift_tokens_right as shifted_of_mbart

from pipelines.build import build_tables
from pipelines.finetune.languages import with_languages
from pipelines.finetune.options import Languages
from pipelines.finetune.run import finetune
from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.texts import read_examples
from pipelines.finetune.tokenizer import read_encoders
from see_kb.errors import SeeError
from see_tn.models.saved import load_swapped
from tests.pipelines.command import assert_one_line, see
from tests.pipelines.finetune.runs import COMMON, MARIAN, OPTIONS, inputs
from tests.small_data import small_inputs

LETTERS = ["▁", *"adegmnosu"]
SPECIAL = SpecialIds(1, 0, 2, 2)
LINES = ["man\tdog", "dogs and men\tman man", "a\te"]


def nllb(**more):
    """A small tokenizer of NLLB's class."""
    vocabulary = {piece: index for index, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *LETTERS])}
    return transformers.NllbTokenizer(vocabulary, [], **more)


def mbart50(**more):
    pieces = ["<unk>", "<s>", "</s>", *LETTERS]
    return transformers.MBart50Tokenizer([(piece, -float(index)) for index, piece in enumerate(pieces)], **more)


KINDS = [
    ("m2m_100", nllb, {}, "eng_Latn", "deu_Latn"),
    ("m2m_100", nllb, {"legacy_behaviour": True}, "deu_Latn", "eng_Latn"),
    ("mbart", mbart50, {}, "de_DE", "en_XX"),
]


def saved(tokenizer, folder):
    """A folder with the tokenizer and a small text."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    (folder / "pairs.tsv").write_text("\n".join(LINES) + "\n")
    return folder / "tokenizer.json"


@pytest.mark.parametrize(("model_type", "kind", "more", "source", "target"), KINDS)
def test_texts_are_those_of_the_class_and_decoders_begin_as_the_model_does(
    model_type, kind, more, source, target, tmp_path
):
    file = saved(kind(**more), tmp_path)
    judge = kind(src_lang=source, tgt_lang=target, **more)
    encoders, special = read_encoders(file), SPECIAL
    encoders, special = with_languages(encoders, special, Languages(source, target), tmp_path, model_type)
    found = read_examples(tmp_path / "pairs.tsv", encoders, special, 64, pairs=True, n_pieces=len(judge))
    for number, line in enumerate(LINES):
        text, translation = line.split("\t")
        wanted = judge(text, text_target=translation)
        assert (found.sources[number], found.targets[number]) == (wanted.input_ids, wanted.labels)
        if model_type == "mbart":
            assert shifted_of_mbart(torch.tensor([wanted.labels]), 1)[0, 0] == found.start
    assert judge.convert_tokens_to_ids(target) in found.targets[0]
    if model_type == "m2m_100":
        assert found.start == SPECIAL.decoder_start


def plain(template):
    """A tokenizer of whole words with a template."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    vocabulary = {"<unk>": 0, "<s>": 1, "</s>": 2, "en_XX": 3, "man": 4, "de_DE": 5}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    names = [("</s>", 2), ("en_XX", 3)]
    tokenizer.post_processor = processors.TemplateProcessing(template, special_tokens=names)
    return tokenizer


def asked(template, folder, languages=None, start=2, model_type="mbart"):
    """Pieces of a text and what a decoder begins with."""
    plain(template).save(str(folder / "tokenizer.json"))
    (folder / "pairs.tsv").write_text("man man man man\tman\n")
    encoders, special = read_encoders(folder / "tokenizer.json"), SpecialIds(0, 1, 2, start)
    encoders, special = with_languages(encoders, special, languages, folder / "config.json", model_type)
    return read_examples(folder / "pairs.tsv", encoders, special, 5, pairs=True, n_pieces=6)


def test_a_text_that_is_cut_keeps_its_language(tmp_path):
    for template, source, target, start in (
        ("$A </s> en_XX", [4, 4, 4, 2, 5], [4, 2, 3], 3),
        ("en_XX $A </s>", [5, 4, 4, 4, 2], [3, 4, 2], 2),
    ):
        found = asked(template, tmp_path, Languages("de_DE", "en_XX"), None)
        assert (found.sources, found.targets, found.start) == ([source], [target], start)


@pytest.mark.parametrize(
    ("template", "languages", "start", "model_type", "problem"),
    [
        ("en_XX $A </s>", None, 2, "mbart", "tokenizer.json: puts piece 3 around .* --source-language and --target"),
        ("$A </s>", None, None, "mbart", "config.json: decoder_start_token_id is null"),
        ("$A </s>", Languages("de_DE", "en_XX"), 2, "m2m_100", "tokenizer.json: puts no language around texts"),
        (
            "en_XX $A </s>",
            Languages("de", "en_XX"),
            2,
            "mbart",
            "no piece 'de' for a language; name .* does: 'en_XX'",
        ),
        ("$A </s>", Languages("de_DE", "en_XX"), 2, "marian", "config.json: marian names no languages; leave"),
    ],
)
def test_languages_that_do_not_fit_are_refused(template, languages, start, model_type, problem, tmp_path):
    with pytest.raises(SeeError, match=problem):
        asked(template, tmp_path, languages, start, model_type)


def test_a_piece_of_words_is_no_language(tmp_path):
    file = saved(nllb(), tmp_path)
    encoders = read_encoders(file)
    with pytest.raises(SeeError, match=r"no piece 'd' for a language; name it as the tokenizer does: 'eng_Latn'"):
        with_languages(encoders, SPECIAL, Languages("d", "eng_Latn"), tmp_path / "config.json", "m2m_100")


def test_languages_may_stand_in_the_text(tmp_path):
    plain("$A </s>").save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "pairs.tsv").write_text("en_XX man man\tde_DE man\n")
    encoders, special = read_encoders(tmp_path / "tokenizer.json"), SpecialIds(0, 1, 2, 2)
    encoders, special = with_languages(encoders, special, None, tmp_path / "config.json", "mbart")
    read = read_examples(tmp_path / "pairs.tsv", encoders, special, 9, pairs=True, n_pieces=6)
    assert (read.sources, read.targets) == ([[3, 4, 4, 2]], [[5, 4, 2]])


def test_a_model_like_nllb_is_trained(tmp_path):
    folder = tmp_path / "model"
    file = saved(nllb(), folder)
    ids = {"vocab_size": len(nllb()), "pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2}
    config = transformers.M2M100Config(**{**COMMON, **MARIAN, **ids, "decoder_start_token_id": 2})
    transformers.M2M100ForConditionalGeneration(config).save_pretrained(folder)
    build_tables(replace(small_inputs(tmp_path), tokenizer=file), tmp_path / "tables")
    (tmp_path / "pairs.tsv").write_text("\n".join(LINES * 60) + "\n")
    given = replace(inputs(tmp_path), model=folder, tables=tmp_path / "tables", text=tmp_path / "pairs.tsv")
    options = replace(OPTIONS, languages=Languages("deu_Latn", "eng_Latn"))
    report = finetune(given, tmp_path / "run", options)
    assert report.after < report.before
    load_swapped(tmp_path / "run" / "model")
    with pytest.raises(SeeError, match=r"a run with another languages\.source "):
        finetune(given, tmp_path / "run", replace(options, languages=Languages("eng_Latn", "deu_Latn")))


def test_a_language_for_one_side_alone_is_refused(tmp_path):
    process = see("finetune", tmp_path, tmp_path, tmp_path, "--out", tmp_path / "run", "--source-language", "deu_Latn")
    assert_one_line(process, "a language for one side alone; give --source-language and --target-language")
