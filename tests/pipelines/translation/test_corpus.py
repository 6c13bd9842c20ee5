"""Corpora: what is trained on, chosen by and tested with stays apart."""

import pytest

from pipelines.parallel_text import ParallelText, read_lines, read_parallel
from pipelines.translation import corpus
from pipelines.translation.corpus import read_corpus
from see_kb.errors import FormatError, SeeError
from tests.pipelines.translation.corpora import write_corpora
from tests.shared_data import DATA, needs_shared


@needs_shared
@pytest.mark.parametrize(("pair", "sizes"), [("de-en", (29_000, 1014, 1000)), ("zh-en", (23_431, 500, 1000))])
def test_the_real_corpora_are_whole_and_their_parts_apart(pair, sizes):
    read = read_corpus(DATA / "translation", pair)
    assert (len(read.train), len(read.dev), len(read.test)) == sizes
    pairs = [set(zip(part.sources, part.targets, strict=True)) for part in (read.train, read.dev, read.test)]
    assert len(pairs[0] & pairs[2]) <= 2  # a caption or two were written twice
    assert len(pairs[1] & pairs[2]) <= 2


def test_sentences_to_choose_by_are_spread_over_the_training_text(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus, "DEV", 10)
    folder = write_corpora(tmp_path)
    (folder / "3am").mkdir()
    for part, name in (("train", "train"), ("val", "val")):
        for code, other in (("de", "zh"), ("en", "en")):
            (folder / "3am" / f"{part}.{other}").write_bytes((folder / "multi30k" / f"{name}.{code}").read_bytes())
    whole = read_parallel(folder / "3am" / "train.zh", folder / "3am" / "train.en")
    read = read_corpus(folder, "zh-en")
    assert (len(read.train), len(read.dev)) == (290, 10)
    assert read.dev.sources == whole.sources[::30]
    assert set(read.train.sources) | set(read.dev.sources) == set(whole.sources)
    assert read.first(5).train == ParallelText(read.train.sources[:5], read.train.targets[:5])
    monkeypatch.setattr(corpus, "DEV", 300)
    with pytest.raises(SeeError, match="300 sentences, 300 of them to choose by"):
        read_corpus(folder, "zh-en")


def test_a_packed_file_is_read_like_a_plain_one(tmp_path):
    import gzip

    (tmp_path / "a.txt").write_text("one\r\ntwo\n", encoding="utf-8")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\ntwo\n"))
    assert read_lines(tmp_path / "a.txt") == read_lines(tmp_path / "a.txt.gz") == ("one", "two")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"one\ntwo\n")[:-9])
    with pytest.raises(SeeError, match="cannot be read"):
        read_lines(tmp_path / "a.txt.gz")
    (tmp_path / "empty").write_bytes(b"")
    with pytest.raises(FormatError, match="empty:1: an empty line"):
        read_lines(tmp_path / "empty")
    with pytest.raises(SeeError, match="no such pair"):
        read_corpus(tmp_path, "de-fr")


def test_a_mark_of_the_encoding_is_no_text_and_a_nul_byte_is_refused(tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("\ufeffone\ntwo\n", encoding="utf-8")
    assert read_lines(file) == ("one", "two")
    file.write_bytes(b"one\nt\0wo\n")
    with pytest.raises(FormatError, match=r"a\.txt:2: binary data \(a NUL byte\)"):
        read_lines(file)
