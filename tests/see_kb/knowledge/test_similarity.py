"""Similarity: what must hold for any dictionary, figures worked out by hand, and the judges of real data."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from see_kb.knowledge.base import knowledge_base_of
from see_kb.knowledge.index import index_of
from see_kb.knowledge.openhownet_similarity import OpenHowNetSimilarity
from see_kb.knowledge.pairs import measure_agreement, read_pairs
from see_kb.knowledge.similarity import DECAY, information_content
from see_kb.lexicon import Lexicon, Sense
from see_kb.sources.door import read_lexicon
from see_kb.sources.taxonomy import read_taxonomy, taxonomy_triples
from tests.shared_data import HOWNET, SIMILARITY, TAXONOMY, needs_shared

SEMEMES = ("a|甲", "b|乙", "c|丙", "d|丁")


def lexicon(*definitions_by_word):
    senses = [
        Sense(str(n), "", "", word, "noun", definition)
        for n, (word, definitions) in enumerate(definitions_by_word)
        for definition in definitions
    ]
    return Lexicon("words", tuple(senses), (), ())


_LEAF = st.sampled_from(SEMEMES)
_DEFINITIONS = st.builds(
    lambda head, others: f"{{{head}{':' if others else ''}{','.join(f'r={{{o}}}' for o in others)}}}",
    _LEAF,
    st.lists(_LEAF, max_size=3),
)
_LEXICONS = st.lists(st.lists(_DEFINITIONS, min_size=1, max_size=3), min_size=2, max_size=6).map(
    lambda words: lexicon(*((f"w{n}", definitions) for n, definitions in enumerate(words)))
)


@given(_LEXICONS)
def test_similarity_is_symmetric_bounded_and_one_for_a_word_itself(words):
    kb = knowledge_base_of(words)
    names = kb.words("en")
    pairs = [(a, b) for a in names for b in names]
    values = dict(zip(pairs, kb.similarity(pairs), strict=True))
    for a, b in pairs:
        assert values[a, b] == pytest.approx(values[b, a], abs=1e-6)
        assert 0 <= values[a, b] <= 1
        if a == b:
            assert values[a, b] == pytest.approx(1, abs=1e-6)


@given(_LEXICONS, st.integers(1, 6))
def test_the_nearest_words_are_those_of_all_pairs(words, limit):
    kb = knowledge_base_of(words)
    names = kb.words("en")
    for name, found in zip(names, kb.nearest(names, limit), strict=True):
        others = [other for other in names if other != name]
        scores = dict(zip(others, kb.similarity([(name, other) for other in others]), strict=True))
        expected = sorted((score for score in scores.values() if score > 0), reverse=True)[:limit]
        assert [score for _, score in found] == pytest.approx(expected, abs=1e-6)
        assert all(scores[other] == pytest.approx(score, abs=1e-6) for other, score in found)


def test_the_order_of_a_definitions_features_makes_no_difference():
    one, two = "{a|甲:r={b|乙},s={c|丙}}", "{a|甲:s={c|丙},r={b|乙}}"
    kb = knowledge_base_of(lexicon(("x", [one]), ("y", [two]), ("z", ["{d|丁}"])))
    assert kb.similarity([("x", "y"), ("x", "z"), ("x", "nobody")]) == [pytest.approx(1), 0, None]


def test_a_figure_worked_out_by_hand():
    """Of five occurrences `a` has two: its content is −log(2/6), that of the others −log(1/6)."""
    kb = knowledge_base_of(lexicon(("x", ["{a|甲:r={b|乙}}"]), ("y", ["{a|甲:r={c|丙}}"]), ("z", ["{d|丁}"])))
    shared, rest = -log(2 / 6), -log(1 / 6) * DECAY
    assert kb.similarity([("x", "y")])[0] == pytest.approx(shared / (shared + rest), abs=1e-6)


def test_a_hypernym_holds_what_its_hyponyms_hold():
    index = index_of(
        lexicon(("x", ["{a|甲}"]), ("y", ["{b|乙}"])), [("b|乙", "hypernym", "a|甲"), ("a|甲", "hypernym", "b|乙")]
    )
    assert information_content(index) == pytest.approx([-log(2 / 3), -log(2 / 3)])  # a circle ends
    index = index_of(lexicon(("x", ["{a|甲}"]), ("y", ["{b|乙}"])), [("b|乙", "hypernym", "a|甲")])
    assert information_content(index) == pytest.approx([-log(2 / 3), -log(1 / 3)])


def test_of_several_hypernyms_the_first_one_counts():
    triples = [("x|甲", "hypernym", "a|子"), ("x|甲", "hypernym", "b|丑"), ("y|乙", "hypernym", "a|子")]
    assert OpenHowNetSimilarity(triples).words(["{x|甲}"], ["{y|乙}"]) == pytest.approx(1.6 / 3.6)
    index = index_of(lexicon(("x", ["{x|甲}"]), ("a", ["{a|子}"]), ("b", ["{b|丑}"])), triples)
    content = dict(zip(index.sememe_names(), information_content(index), strict=True))
    assert content["a|子"] < content["b|丑"]


def test_no_nearest_word_is_an_answer_too():
    kb = knowledge_base_of(lexicon(("x", ["{a|甲}"]), ("y", ["{a|甲}"])))
    assert kb.nearest(["x"], 0) == [[]]


def test_a_definition_of_marks_alone_is_like_nothing():
    kb = knowledge_base_of(lexicon(("x", ["{?}"]), ("y", ["{a|甲}"])))
    assert kb.similarity([("x", "y")]) == [0]
    assert kb.nearest(["x"]) == [[]]


def test_nearest_words_can_be_of_one_language_or_part_of_speech():
    senses = (
        Sense("1", "人", "noun", "man", "noun", "{a|甲}"),
        Sense("2", "男", "adj", "male", "adj", "{a|甲:r={b|乙}}"),
        Sense("3", "", "", "other", "noun", "{c|丙}"),
    )
    kb = knowledge_base_of(Lexicon("words", senses, (), ()))
    assert [word for word, _ in kb.nearest(["man"])[0]] == ["人", "male", "男"]
    assert [word for word, _ in kb.nearest(["man"], language="en")[0]] == ["male"]
    assert [word for word, _ in kb.nearest(["man"], pos="noun")[0]] == ["人"]
    assert [word for word, _ in kb.nearest_to_senses([0])[0]] == ["male", "男"]


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ("{a|甲}", "{a|甲}", 1),
        ("{a|甲}", "{c|丙}", 0),
        ("{a|甲}", "{b|乙}", 1.6 / 3.6),  # two steps, over their hypernym
        ("{a|甲:r={c|丙}}", "{a|甲:r={c|丙}}", 1),
        ("{a|甲:r={c|丙}}", "{a|甲}", 0.7 + 0.3 * 0.1),
        ("{a|甲:r={c|丙}}", "{a|甲:s={c|丙}}", 0.7 + 0.3 * 0.1),
        ("{a|甲:r={c|丙},s={c|丙}}", "{c|丙:r={c|丙}}", 0.3 * (1 + 0.1) / 2),
    ],
)
def test_openhownets_formula_by_hand(first, second, value):
    formula = OpenHowNetSimilarity([("a|甲", "hypernym", "top|顶"), ("b|乙", "hypernym", "top|顶")])
    assert formula.words([first], [second]) == pytest.approx(value)


def test_openhownets_formula_depends_on_the_order_of_children():
    formula = OpenHowNetSimilarity()
    ordered, swapped = "{a|甲:r={b|乙},r={c|丙}}", "{a|甲:r={c|丙},r={b|乙}}"
    assert formula.words([ordered], [ordered]) == pytest.approx(1)
    assert formula.words([ordered], [swapped]) < 1


@needs_shared
@pytest.mark.parametrize("name", ["en_simlex_999.tsv", "zh_wordsim_240.tsv"])
@pytest.mark.parametrize("with_taxonomy", [False, True])
def test_on_real_pairs_shared_information_agrees_better_with_people(name, with_taxonomy):
    triples = taxonomy_triples(read_taxonomy(TAXONOMY)) if with_taxonomy else []
    figures = measure_agreement(knowledge_base_of(read_lexicon(HOWNET), triples), read_pairs(SIMILARITY / name))
    rows = [row for row in figures.similarities if row["information"] is not None]
    assert len(rows) == figures.n_covered >= 100
    ours = spearmanr([row["score"] for row in rows], [row["information"] for row in rows]).statistic
    assert figures.spearman["information"] == pytest.approx(ours, abs=1e-4)
    assert figures.spearman["information"] > figures.spearman["openhownet"] + 0.05


@needs_shared
def test_figures_of_the_whole_lexicon_are_sound():
    kb = knowledge_base_of(read_lexicon(HOWNET))
    for found in kb.nearest(["doctor", "run", "医生"], 50):
        scores = np.array([score for _, score in found])
        assert len(found) == 50
        assert (np.diff(scores) <= 1e-6).all()
