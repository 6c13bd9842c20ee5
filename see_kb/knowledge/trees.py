"""Sememe trees: a definition as text, as JSON or as a networkx graph.

A tree's node has a name (a sememe or a mark), the role that it fills in the node above it (empty for roots and for
nodes that describe it without one), and children in the order of the definition. `~` is also told what it stands for.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from see_kb.kdml import MARKS, Definition, Feature, Node, Quoted, parse_definition, sememe_key

if TYPE_CHECKING:  # networkx takes a tenth of a second to load
    import networkx as nx


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A node of a sememe tree. `stands_for` is the sememe that a `~` refers to; it is empty for any other node."""

    name: str
    role: str
    children: "tuple[TreeNode, ...]" = ()
    stands_for: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give the node and those below it as plain dicts and lists, for JSON; empty fields are left out."""
        values = {"name": self.name, "role": self.role, "stands_for": self.stands_for}
        inner = {"children": [child.as_dict() for child in self.children]} if self.children else {}
        return {**{name: value for name, value in values.items() if value}, **inner}


def sememe_trees(definition: str) -> tuple[TreeNode, ...]:
    """Read a definition into its trees, one for each root.

    Raises:
        KdmlError: the definition is not in the grammar.
    """
    parsed: Definition = parse_definition(definition)
    return tuple(_tree(root, "", ()) for root in parsed.roots)


def tree_text(definition: str) -> str:
    """Draw a definition, a line for each node: `role` in brackets, and what a `~` stands for behind it."""
    lines: list[str] = []
    for tree in sememe_trees(definition):
        _draw(lines, tree, "", "", "")
    return "\n".join(lines)


def tree_graph(definition: str) -> "nx.DiGraph[int]":
    """Give a definition as a graph: nodes numbered in its order, with `name`; edges downwards, with `role`."""
    import networkx as nx

    graph: nx.DiGraph[int] = nx.DiGraph()
    waiting: list[tuple[TreeNode, int | None]] = [(tree, None) for tree in reversed(sememe_trees(definition))]
    while waiting:
        tree, above = waiting.pop()
        number = graph.number_of_nodes()
        graph.add_node(number, name=tree.name, stands_for=tree.stands_for)
        if above is not None:
            graph.add_edge(above, number, role=tree.role)
        waiting.extend((child, number) for child in reversed(tree.children))
    return graph


def _tree(value: Node | Quoted, role: str, above: tuple[str, ...]) -> TreeNode:
    """Make a node; `above` has the names of the nodes above it, the nearest last."""
    if isinstance(value, Quoted):
        return TreeNode(sememe_key(value.name), role)
    name = value.head.strip() if value.head.strip() in MARKS else sememe_key(value.head)
    path = (*above, name)
    children = tuple(child for feature in value.features for child in _children(feature, path))
    # `~` is the value of a role of a node without one: it stands for that node's own parent.
    return TreeNode(name, role, children, above[-2] if name == "~" and len(above) > 1 else "")


def _children(feature: Feature | Node, above: tuple[str, ...]) -> list[TreeNode]:
    if isinstance(feature, Node):
        return [_tree(feature, "", above)]
    return [_tree(value, feature.role.strip(), above) for value in feature.values]


def _draw(lines: list[str], tree: TreeNode, lead: str, branch: str, below: str) -> None:
    role = f"[{tree.role}] " if tree.role else ""
    meaning = f" = {tree.stands_for}" if tree.stands_for else ""
    lines.append(f"{lead}{branch}{role}{tree.name}{meaning}")
    for place, child in enumerate(tree.children):
        is_last = place == len(tree.children) - 1
        _draw(lines, child, lead + below, "└─ " if is_last else "├─ ", "   " if is_last else "│  ")
