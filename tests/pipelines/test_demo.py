"""The main job on bundled data, as the README's first command runs it."""

import hashlib
import json
import re

import numpy as np

from pipelines.build import sample_tokenizer
from pipelines.demo import run_demo
from pipelines.sample import sample_teacher, sample_text, train_tokenizer
from see_kb.checks.definitions import check_senses
from see_kb.sources.door import read_lexicon, read_morphemes
from see_tn.layer.checkpoint import load_embedding
from tests.pipelines.command import see
from tests.shared_data import DATA, ROOT, needs_shared


def test_the_demo_shows_coverage_compression_error_and_places(tmp_path):
    process = see("demo", "--tables", tmp_path / "tables", "--factors", tmp_path / "factors")
    assert process.returncode == 0, process.stderr
    for text in ("Pieces by script", "in parameters", "in bytes", "relative error", str(tmp_path / "factors")):
        assert text in process.stdout
    layer = load_embedding(tmp_path / "factors")
    assert layer.materialise().shape == (layer.num_embeddings, layer.embedding_dim)


def test_the_demo_beats_the_mean_of_the_table(tmp_path):
    report = run_demo(tmp_path / "tables", tmp_path / "factors")
    teacher = sample_teacher(sample_tokenizer(), sample_text())
    mean_alone = np.linalg.norm(teacher - teacher.mean(axis=0)) / np.linalg.norm(teacher)
    assert report.init.made.relative_error < mean_alone - 0.02
    assert report.init.made.ratio >= 8


def test_the_bundled_tokenizer_is_what_the_bundled_text_trains():
    assert hashlib.sha256(train_tokenizer(sample_text())).hexdigest() == (
        hashlib.sha256(sample_tokenizer().read_bytes()).hexdigest()
    )


def test_the_bundled_lexicon_is_well_formed_and_bilingual():
    lexicon, morphemes = read_lexicon(), read_morphemes()
    assert len(lexicon.senses) >= 3_000
    for dictionary in (lexicon, morphemes):
        assert dictionary.rejects == ()
        assert check_senses(dictionary.senses) == []
        assert all(
            sense.en_word and sense.zh_word for sense in dictionary.senses if sense.zh_pos not in ("char", "radical")
        )
        numbers = [sense.number for sense in dictionary.senses]
        assert len(set(numbers)) == len(numbers)
    words = {sense.en_word for sense in morphemes.senses}
    assert {"un-", "re-", "-er", "-less", "-ly"} <= words
    assert all(word.startswith("-") != word.endswith("-") for word in words if "-" in word)


@needs_shared
def test_bundled_definitions_use_hownets_own_sememes():
    """Numbers apart: HowNet has no sememes for them, and they stand in quotes as proper nouns do."""
    known = set(json.loads((DATA / "hownet" / "sememe_frequency.json").read_text(encoding="utf-8")))
    for sense in (*read_lexicon().senses, *read_morphemes().senses):
        unquoted = [sememe for sememe in sense.sememes if f'"{sememe}"' not in sense.definition]
        assert set(unquoted) <= known, sense


def test_the_digests_of_the_data_page_are_those_of_the_files():
    page = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", page))
    files = [path for folder in ("lexicon", "sample") for path in (ROOT / "data" / folder).rglob("*.*")]
    assert listed == {
        path.relative_to(ROOT / "data").as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
