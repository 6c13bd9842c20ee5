"""BabelNet's synsets, in the layout of OpenHowNet's file."""

import pickle

import duckdb
import pytest

from pipelines.build import build_tables
from see_kb.errors import FormatError
from see_kb.sources.babelnet import Synset, read_babelnet
from tests.small_data import small_inputs

DOG = {
    "bn": "bn:00015267n",
    "pos": "n",
    "en_synonyms": ["dog", "domestic dog"],
    "zh_synonyms": ["狗"],
    "en_glosses": ["An animal."],
    "zh_glosses": [],
    "sememes": ["live stock|牲畜"],
    "image_urls": [],
    "rel": {"hypernym": ["bn:1n", "bn:2n"]},
}


def test_synsets_are_read_and_stored_as_tables(tmp_path):
    (tmp_path / "babel_data").write_bytes(pickle.dumps([DOG, {**DOG, "bn": "bn:1n", "rel": {}}]))
    dog, other = read_babelnet(tmp_path / "babel_data")
    assert dog == Synset(
        *("bn:00015267n", "n", ("dog", "domestic dog"), ("狗",), ("An animal.",), (), ("live stock|牲畜",), ()),
        relations=(("hypernym", "bn:1n"), ("hypernym", "bn:2n")),
    )
    assert other.relations == ()
    inputs = small_inputs(tmp_path)
    from dataclasses import replace

    folder = build_tables(replace(inputs, babelnet=tmp_path / "babel_data"), tmp_path / "tables").folder
    query = f"SELECT synset_id FROM '{folder}/babelnet_synsets.parquet' WHERE list_contains(zh_synonyms, '狗')"
    assert duckdb.sql(query).fetchall() == [("bn:00015267n",), ("bn:1n",)]
    assert duckdb.sql(f"SELECT count(*) FROM '{folder}/babelnet_relations.parquet'").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "content",
    [{}, [], ["x"], [{"pos": "n"}], [{**DOG, "sememes": "x"}], [{**DOG, "rel": 3}], [{**DOG, "bn": "\ud800"}]],
)
def test_anything_else_is_refused(tmp_path, content):
    (tmp_path / "babel_data").write_bytes(pickle.dumps(content))
    with pytest.raises(FormatError, match="babel_data"):
        read_babelnet(tmp_path / "babel_data")
