"""What a pair's cells share is made from one set of inputs, however often its making was stopped."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.translation import prepare as module
from pipelines.translation.corpus import read_corpus
from pipelines.translation.prepare import Prepared, prepare
from pipelines.translation.vocabulary import train_vocabulary
from see_kb.errors import FormatError, SeeError
from see_kb.sources.bundled import BUNDLED
from see_kb.tables.unit_matrix import read_unit_matrix
from see_kb.vocabulary.piece_vectors import piece_vectors
from tests.pipelines.translation.corpora import write_corpora

N_PIECES = 150


class Killed(BaseException):
    """What ends a process, not an error that is dealt with."""


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return read_corpus(write_corpora(tmp_path_factory.mktemp("corpora")), "de-en")


@pytest.fixture(scope="module")
def finished(corpus, tmp_path_factory):
    """A pair's folder; tests must not change it."""
    return prepare(tmp_path_factory.mktemp("pair") / "de-en", corpus, N_PIECES, ()).folder


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "de-en")


def contents(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".json"}


def test_a_finished_folder_stays_valid(folder, corpus):
    before = contents(folder)
    assert set(json.loads((folder / "inputs.json").read_text())) == {"texts", "dictionaries", "pieces", "units"}
    prepare(folder, corpus, N_PIECES, ())
    assert contents(folder) == before


def test_vectors_of_pieces_are_of_the_texts_and_of_what_translates_what(finished, corpus):
    prepared = Prepared(finished)
    examples = prepared.encoder().examples(corpus.train)
    units = read_unit_matrix(finished / "tables")
    pairs = list(zip(examples.sources, examples.targets, strict=True))
    wanted, without = (piece_vectors(examples.texts, units, 8, 3, pairs=some) for some in (pairs, ()))
    found = prepared.material(examples, 8, None).vectors(3)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert not np.allclose(found, without, atol=0.1)


@pytest.mark.parametrize("built", [0, 1])
def test_what_a_killed_run_left_is_not_taken_for_that_of_other_inputs(corpus, tmp_path, monkeypatch, built):
    folder, build = tmp_path / "de-en", module.build_tables

    def killed(inputs, place):
        if len(list(folder.glob("*/manifest.json"))) == built:
            raise Killed
        build(inputs, place)

    monkeypatch.setattr(module, "build_tables", killed)
    with pytest.raises(Killed):
        prepare(folder, corpus, N_PIECES, ())
    monkeypatch.undo()
    other = replace(corpus, train=corpus.train.part(0, 250))
    for given, n_pieces, name in ((other, N_PIECES, "texts"), (corpus, N_PIECES + 1, "pieces")):
        with pytest.raises(SeeError, match=f"made from other {name}"):
            prepare(folder, given, n_pieces, ())
    prepare(folder, corpus, N_PIECES, ())
    assert {path.name for path in folder.iterdir()} >= {"vocabulary.model", "tables", "morphemes", "inputs.json"}


def test_a_vocabulary_that_could_not_be_made_leaves_nothing_behind(corpus, tmp_path):
    with pytest.raises(SeeError, match="ask for fewer pieces"):
        prepare(tmp_path / "de-en", corpus, 5000, ())
    prepare(tmp_path / "de-en", corpus, N_PIECES, ())


def test_a_damaged_dictionary_is_told_before_anything_is_made(corpus, tmp_path):
    words = tmp_path / "words.tsv"
    words.write_text("W_E\tDEF\ndog\t{livestock\n", encoding="utf-8")
    with pytest.raises(SeeError, match=r"words\.tsv"):
        prepare(tmp_path / "de-en", corpus, N_PIECES, (words,))
    words.write_text("W_E\tDEF\ndog\t{livestock|牲畜}\n", encoding="utf-8")
    prepare(tmp_path / "de-en", corpus, N_PIECES, (words,))
    prepare(tmp_path / "de-en", corpus, N_PIECES, (words, Path(BUNDLED)))  # which comes last by itself
    with pytest.raises(SeeError, match="made from other dictionaries"):
        prepare(tmp_path / "de-en", corpus, N_PIECES, (Path(BUNDLED), words))


@pytest.mark.parametrize("name", ["vocabulary.model", "tables", "morphemes"])
def test_files_of_unknown_inputs_are_refused(folder, corpus, name):
    (folder / "inputs.json").unlink()
    for other in {"vocabulary.model", "tables", "morphemes"} - {name}:
        (folder / other).rename(folder.with_name(other))
    with pytest.raises(SeeError, match=rf"de-en: holds {name} without inputs.json.*remove"):
        prepare(folder, corpus, N_PIECES, ())


@pytest.mark.parametrize("damage", [b"", b'{"texts": "d3', b"\xff", b"[]"])
def test_a_damaged_file_of_inputs_is_named(folder, corpus, damage):
    (folder / "inputs.json").write_bytes(damage)
    with pytest.raises(FormatError, match=r"inputs\.json: damaged .*; remove .*de-en"):
        prepare(folder, corpus, N_PIECES, ())


@pytest.mark.parametrize("cut", [100, None])
def test_a_vocabulary_of_other_tables_is_refused(folder, corpus, cut):
    file = folder / "vocabulary.model"
    train_vocabulary(corpus.train, N_PIECES - 1, file)
    file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(SeeError, match=r"tables: not of the vocabulary\.model beside it; remove .*de-en"):
        prepare(folder, corpus, N_PIECES, ())


def test_a_vocabulary_of_fewer_pieces_than_letters_asks_for_more(corpus, tmp_path):
    with pytest.raises(SeeError, match="ask for more pieces"):
        train_vocabulary(corpus.train, 8, tmp_path / "vocabulary.model")
