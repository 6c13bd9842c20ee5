"""The sememe taxonomies: trees and triples become one graph."""

import networkx as nx
import pytest

from see_kb.errors import FormatError, SeeError
from see_kb.sources.taxonomy import read_taxonomy
from tests.shared_data import TAXONOMY, TRIPLES, needs_shared

TREE = """\
- {entity|实体}
  ├ {thing|万物} {entity|实体:{ExistAppear|存现:existent={~}}}
  │ ├ {physical|物质}
  │ │ └ {animate|生物} {physical|物质:HostOf={Age|年龄}}
  │ └ {mental|精神}
  └ {time|时间} {entity|实体:modifier={*}}
"""
PARENTS = {
    "thing|万物": "entity|实体",
    "physical|物质": "thing|万物",
    "animate|生物": "physical|物质",
    "mental|精神": "thing|万物",
    "time|时间": "entity|实体",
}


@pytest.fixture
def tree(tmp_path):
    def write(text, encoding="gb18030"):
        file = tmp_path / "tree.txt"
        file.write_bytes(text.replace("\n", "\r\n").encode(encoding))
        return file

    return write


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_a_tree_gives_each_sememe_its_parent(tree, encoding):
    graph = read_taxonomy(tree(TREE, encoding))
    upwards = {a: b for a, b, relation in graph.edges(keys=True) if relation == "hypernym"}
    downwards = {(a, b) for a, b, relation in graph.edges(keys=True) if relation == "hyponym"}
    assert upwards == PARENTS
    assert downwards == {(parent, child) for child, parent in PARENTS.items()}
    assert set(nx.get_node_attributes(graph, "taxonomy").values()) == {"entity|实体"}
    assert nx.get_node_attributes(graph, "definition") == {
        "thing|万物": "{entity|实体:{ExistAppear|存现:existent={~}}}",
        "animate|生物": "{physical|物质:HostOf={Age|年龄}}",
        "time|时间": "{entity|实体:modifier={*}}",
    }


def test_triples_give_the_edges_that_they_name(tree):
    graph = read_taxonomy(tree("Stop|停 antonym go on|继续\nanimal|兽 hypernym animate|生物\n"))
    assert set(graph.edges(keys=True)) == {
        ("Stop|停", "go on|继续", "antonym"),
        ("animal|兽", "animate|生物", "hypernym"),
    }


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TREE + "nonsense\n", 7),
        ("- {entity|实体}\n      ├ {too deep|太深}\n", 2),
        (TREE.replace("ExistAppear|存现:", "ExistAppear|存现"), 2),
        ("- {entity|实体}\n  ├ {}\n", 2),
        ("a|b likes c|d\n", 1),
        ("a|b hypernym c|d\na|b hypernym\n", 2),
    ],
)
def test_a_line_that_is_neither_tree_nor_triple_is_named(tree, text, line):
    file = tree(text)
    with pytest.raises(FormatError) as caught:
        read_taxonomy(file)
    assert str(caught.value).startswith(f"{file}:{line}:")


@pytest.mark.parametrize("text", ["", "\n\n"])
def test_an_empty_file_is_refused(tree, text):
    with pytest.raises(FormatError, match="tree"):
        read_taxonomy(tree(text))


def test_a_folder_without_taxonomies_and_a_missing_file_are_refused(tmp_path):
    with pytest.raises(SeeError, match="holds no"):
        read_taxonomy(tmp_path)
    with pytest.raises(SeeError, match="no such file"):
        read_taxonomy(tmp_path / "missing.txt")


@needs_shared
def test_the_five_taxonomies_have_one_root_each():
    graph = read_taxonomy(TAXONOMY)
    roots = set(nx.get_node_attributes(graph, "taxonomy").values())
    assert len(roots) == 5
    n_nodes = sum(
        line.strip() != ""
        for file in TAXONOMY.glob("*.txt")
        for line in file.read_bytes().decode("gb18030").splitlines()
    )
    assert n_nodes == 2_340
    assert 2_300 <= len(graph) <= n_nodes  # a few names stand in two trees
    with_parent = {a for a, _, relation in graph.edges(keys=True) if relation == "hypernym"}
    assert roots - with_parent == roots


@needs_shared
def test_the_triples_are_the_edges_of_the_graph():
    graph = read_taxonomy(TRIPLES)
    lines = {line.strip() for line in TRIPLES.read_text(encoding="utf-8").splitlines() if line.strip()}
    assert graph.number_of_edges() == len(lines)
    assert graph.has_edge("FormValue|形状值", "AppearanceValue|外观值", key="hypernym")
