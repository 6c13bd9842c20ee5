"""The commands that ask a dictionary, on the small one."""

import json

import pytest

from tests.pipelines.command import assert_one_line, see
from tests.shared_data import HOWNET, SIMILARITY, needs_shared
from tests.small_data import small_inputs


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    return small_inputs(tmp_path_factory.mktemp("words")).dictionaries[0]


def answer(*arguments, code=0):
    process = see(*arguments, "--json")
    assert process.returncode == code, process.stderr
    return json.loads(process.stdout)


def test_similarity_of_two_words(words):
    both = answer("similarity", "man", "doctor", "--hownet", words)
    assert (both["first"], both["second"]) == ("man", "doctor")
    assert 0 < both["information"] < 1
    assert answer("similarity", "man", "zzz", "--hownet", words, code=1)["information"] is None
    assert "openhownet" in see("similarity", "man", "doctor", "--hownet", words).stdout


@pytest.mark.parametrize("arguments", [[], ["man"], ["man", "doctor", "dog"]])
def test_similarity_wants_two_words_or_a_file(words, arguments):
    assert_one_line(see("similarity", *arguments, "--hownet", words), "two")


@needs_shared
def test_similarity_of_a_file_of_pairs():
    figures = answer("similarity", "--pairs", SIMILARITY / "en_simlex_999.tsv", "--hownet", HOWNET)
    assert (figures["pairs"], figures["covered"]) == (999, 839)
    assert figures["spearman"]["information"] > 0.4 > figures["spearman"]["openhownet"]


def test_nearest_words(words):
    (row,) = answer("nearest", "man", "--hownet", words, "--language", "en")
    assert [found["word"] for found in row["nearest"]] == ["doctor"]
    assert answer("nearest", "zzz", "--hownet", words, code=1) == [{"word": "zzz", "nearest": []}]


def test_trees_as_json_text_and_picture(words, tmp_path):
    (doctor,) = answer("tree", "doctor", "--hownet", words)
    assert doctor["trees"][0]["name"] == "human|人"
    shown = see("tree", "doctor", "--hownet", words, "--plot", tmp_path / "tree.svg")
    assert "└─ [agent] ~ = human|人" in shown.stdout
    assert shown.stderr == ""
    assert "<svg" in (tmp_path / "tree.svg").read_text(encoding="utf-8")


def test_search(words):
    assert answer("search", "docto", "--hownet", words, "--how", "edits") == {"docto": ["doctor"]}
    assert answer("search", "zzzz", "--hownet", words, code=1) == {"zzzz": []}


def test_sememes(words):
    (row,) = answer("sememe", "人", "--hownet", words, "--limit", "1")
    assert (row["sememe"], row["n_senses"], len(row["senses"])) == ("human|人", 2, 1)
    assert answer("sememe", "none", "--hownet", words, code=1) == []


def test_tables_stand_in_for_a_dictionary(small_tables, words):
    assert answer("nearest", "man", "--tables", small_tables) == answer("nearest", "man", "--hownet", words)
    assert_one_line(see("nearest", "man", "--tables", small_tables, "--hownet", words), "--tables", "leave")


def test_checks_count_what_breaks_each_rule(words, small_tables):
    report = answer("check", "--hownet", words, "--tables", small_tables)
    assert report["rejected-record"]["count"] == 1  # in the dictionary and in the tables
    assert report["duplicate-sense"]["count"] == 0
    assert see("check", "--hownet", words, "--strict").returncode == 3
    assert see("check", "--strict").returncode == 0  # the bundled lexicon
    assert see("check", "--hownet", words, "--code", "duplicate-sense", "--strict").returncode == 0
    assert_one_line(see("check", "--code", "nonsense"), "nonsense", "no rule")


def test_two_folders_are_compared(small_tables, tmp_path):
    from pipelines.build import BuildInputs, build_tables

    inputs = small_inputs(tmp_path)
    other = build_tables(BuildInputs((), inputs.tokenizer), tmp_path / "other").folder
    compared = answer("coverage", small_tables, "--against", other)
    latin = next(row for row in compared["by_script"] if row["script"] == "Latin")
    assert latin["words"] == latin["other_words"]
    assert {row["rule"] for row in compared["by_rule"]} >= {"exact", "none"}
    assert "by script" in see("coverage", small_tables, "--against", other).stdout
