"""Sememe trees of definitions: the five kinds that others misread among them."""

import json

import networkx as nx
import pytest
from hypothesis import given

from see_kb.kdml import format_definition, occurrences
from see_kb.knowledge.trees import sememe_trees, tree_graph, tree_text
from tests.strategies import definitions

DOCTOR = "{human|人:HostOf={Occupation|职位},{cure|医治:agent={~}}}"


def test_a_tree_is_drawn_with_roles_and_what_a_tilde_stands_for():
    assert tree_text(DOCTOR).split("\n") == [
        "human|人",
        "├─ [HostOf] Occupation|职位",
        "└─ cure|医治",
        "   └─ [agent] ~ = human|人",
    ]


def test_a_tree_is_plain_json():
    (tree,) = sememe_trees(DOCTOR)
    assert json.loads(json.dumps(tree.as_dict())) == {
        "name": "human|人",
        "children": [
            {"name": "Occupation|职位", "role": "HostOf"},
            {"name": "cure|医治", "children": [{"name": "~", "role": "agent", "stands_for": "human|人"}]},
        ],
    }


@pytest.mark.parametrize(
    ("definition", "edges"),
    [
        ("{a|甲:r={b|乙}{c|丙}}", [("a|甲", "r", "b|乙"), ("a|甲", "r", "c|丙")]),  # a role's second value
        ("{a|甲};{b|乙:r={c|丙}}", [("b|乙", "r", "c|丙")]),  # a second root
        ("{a|甲:{b|乙:r={~}}}", [("a|甲", "", "b|乙"), ("b|乙", "r", "~")]),  # a tilde, and its parent's role
        ('{a|甲:r="x|丁"}', [("a|甲", "r", "x|丁")]),  # a name in quotes
        ("{a|甲:r={unheard|of}}", [("a|甲", "r", "unheard|of")]),  # an unknown sememe
    ],
)
def test_what_others_misread_is_right(definition, edges):
    graph = tree_graph(definition)
    names = graph.nodes(data="name")
    assert [(names[a], role, names[b]) for a, b, role in graph.edges(data="role")] == edges


def test_a_second_root_has_a_tree_of_its_own():
    assert [tree.name for tree in sememe_trees("{a|甲};{b|乙}")] == ["a|甲", "b|乙"]


@given(definitions)
def test_a_graph_has_every_node_of_a_definition_and_is_a_forest(definition):
    text = format_definition(definition)
    graph = tree_graph(text)
    names = [name for _, name in graph.nodes(data="name") if name not in "~?$*"]
    assert names == [found.sememe for found in occurrences(definition)]
    assert nx.is_forest(graph)
    assert len(tree_text(text).split("\n")) == graph.number_of_nodes()
