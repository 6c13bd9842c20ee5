"""How sememes relate: HowNet's taxonomy trees and OpenHowNet's triples as one networkx graph.

A tree file draws one taxonomy, two columns a level, a definition behind the name where there is one:

    - {entity|实体}
      ├ {thing|万物} {entity|实体:{ExistAppear|存现:existent={~}}}
      │ ├ {physical|物质} {thing|万物:HostOf={Appearance|外观}}

A triple file has `sememe relation sememe` a line, the relation one of `RELATIONS`.
"""

import re
from pathlib import Path

import networkx as nx

from see_kb.errors import FormatError, SeeError
from see_kb.kdml import KdmlError, parse_definition, sememe_key
from see_kb.sources.files import decode_text, read_bytes
from see_kb.sources.openhownet import TRIPLES_FILE, resource_folder

RELATIONS = ("hypernym", "hyponym", "antonym", "converse")

_TREE_LINE = re.compile(r"(?P<drawing>[-│├└ ]*)\{(?P<name>[^{}]*)\}\s*(?P<definition>\{.*)?\s*")
_TRIPLE = re.compile(rf"(?P<sememe>\S.*?) (?P<relation>{'|'.join(RELATIONS)}) (?P<other>.*\S)\s*")


def read_taxonomy(path: Path) -> "nx.MultiDiGraph[str]":
    """Read a tree file, a triple file, or a folder of either into one graph.

    Returns:
        A graph whose nodes are sememes (`en|zh`; attributes `taxonomy`, the file's root, and `definition`,
        where the trees give them), with an edge from a sememe to each one it relates to: the edge's key is the
        relation, and `hypernym` points upwards. A tree's edges are given in both directions.
    Raises:
        SeeError: nothing readable lies there.
        FormatError: a line is neither a tree's nor a triple's, or a definition is not in the grammar.
    """
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    for file in _files(path):
        text = decode_text(read_bytes(file), file)
        lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
        if not lines:
            raise FormatError(f"{file}:1: holds no line; give a taxonomy tree or sememe triples")
        read = _add_tree if lines[0][1].startswith("- {") else _add_triples
        read(graph, lines, file)
    return graph


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    folder = resource_folder(path)
    files = [folder / TRIPLES_FILE] if folder else sorted(path.glob("*.txt"))
    if not files:
        raise SeeError(f"{path}: holds no *.txt file; name a folder of taxonomy trees or a file of triples")
    return files


def _add_tree(graph: "nx.MultiDiGraph[str]", lines: list[tuple[int, str]], file: Path) -> None:
    ancestors: list[str] = []
    for number, line in lines:
        match = _TREE_LINE.fullmatch(line)
        depth = len(match["drawing"]) // 2 - 1 if match else -1
        if match is None or not 0 <= depth <= len(ancestors) or not match["name"].strip():
            raise FormatError(f"{file}:{number}: no line of a taxonomy tree; expected '├ {{english|chinese}}'")
        sememe = sememe_key(match["name"])
        del ancestors[depth:]
        graph.add_node(sememe, taxonomy=ancestors[0] if ancestors else sememe)
        if match["definition"]:
            graph.nodes[sememe]["definition"] = _checked(match["definition"].strip(), f"{file}:{number}")
        if ancestors:
            graph.add_edge(sememe, ancestors[-1], key="hypernym")
            graph.add_edge(ancestors[-1], sememe, key="hyponym")
        ancestors.append(sememe)


def _add_triples(graph: "nx.MultiDiGraph[str]", lines: list[tuple[int, str]], file: Path) -> None:
    for number, line in lines:
        match = _TRIPLE.fullmatch(line)
        if match is None:
            raise FormatError(f"{file}:{number}: no triple; expected 'sememe {'/'.join(RELATIONS)} sememe'")
        graph.add_edge(sememe_key(match["sememe"]), sememe_key(match["other"]), key=match["relation"])


def _checked(definition: str, place: str) -> str:
    try:
        parse_definition(definition)
    except KdmlError as error:
        raise FormatError(f"{place}: definition, {error}") from error
    return definition


def taxonomy_triples(graph: "nx.MultiDiGraph[str] | None") -> list[tuple[str, str, str]]:
    """List a taxonomy's triples (sememe, relation, sememe), sorted; none without a taxonomy."""
    if graph is None:
        return []
    return sorted((sememe, relation, other) for sememe, other, relation in graph.edges(keys=True))
