"""The rules that a taxonomy is held against: each by triples that break it and ones that do not."""

import pytest

from see_kb.checks.taxonomy import RULES, check_taxonomy
from see_kb.sources.taxonomy import read_taxonomy, taxonomy_triples
from tests.shared_data import TAXONOMY, TRIPLES, needs_shared

UP, DOWN = ("dog", "hypernym", "animal"), ("animal", "hyponym", "dog")


@pytest.mark.parametrize(
    ("triples", "found"),
    [
        ([UP, DOWN], []),
        ([UP], [("missing-inverse", "animal", "lacks hyponym dog")]),
        ([("a", "antonym", "b"), UP, DOWN], [("missing-inverse", "b", "lacks antonym a")]),
        ([("dog", "antonym", "animal"), ("animal", "antonym", "dog"), UP, DOWN], []),
        (
            [UP, DOWN, ("dog", "hypernym", "pet"), ("pet", "hyponym", "dog")],
            [("several-hypernyms", "dog", "animal, pet")],
        ),
        ([("a", "hypernym", "a"), ("a", "hyponym", "a")], [("circle", "a", "a")]),
    ],
)
def test_triples_break_the_rules_that_they_should(triples, found):
    findings = [(f.code, f.place, f.detail) for f in check_taxonomy(triples) if f.code != "taxonomy-orphan"]
    assert findings == found


def test_a_sememe_in_no_tree_is_an_orphan():
    triples = [UP, DOWN, ("x", "antonym", "y"), ("y", "antonym", "x")]
    assert [(f.code, f.place) for f in check_taxonomy(triples)] == [("taxonomy-orphan", "x"), ("taxonomy-orphan", "y")]


def test_a_circle_is_found_once_from_wherever_one_comes():
    triples = [(a, r, b) for x, y in ("ab", "bc", "ca", "da") for a, r, b in ((x, "hypernym", y), (y, "hyponym", x))]
    circles = [finding for finding in check_taxonomy(triples) if finding.code == "circle"]
    assert [(finding.place, finding.detail) for finding in circles] == [("a", "a → b → c")]


def test_every_rule_says_in_its_docstring_what_is_wrong():
    assert all((rule.__doc__ or "").startswith("A ") for rule in RULES.values())


@needs_shared
@pytest.mark.parametrize("path", [TAXONOMY, TRIPLES])
def test_the_real_taxonomies_are_symmetric_and_without_circles(path):
    codes = {finding.code for finding in check_taxonomy(taxonomy_triples(read_taxonomy(path)))}
    assert not codes & {"circle", "several-hypernyms"}
