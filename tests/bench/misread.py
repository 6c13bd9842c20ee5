"""Definitions that OpenHowNet 2.0 reads into another tree than the notation says, counted by kind.

    python -m tests.bench.misread

Every definition of the staged senses is read by both; a tree is its set of (parent, role, child). What the notation
says is this project's reading, whose text is the definition again, character for character
(tests/see_kb/test_kdml_real.py).
"""

import contextlib
import io
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from see_kb.kdml import parse_definition
from see_kb.knowledge.trees import TreeNode, sememe_trees
from tests.shared_data import RESOURCES, ROOT

Edge = tuple[str, str, str]

KINDS = {
    "several roots": lambda text: len(parse_definition(text).roots) > 1,
    "a tilde": lambda text: "~" in text,
    "several values of one role": lambda text: "}{" in text or '"{' in text or '}"' in text or '""' in text,
    "a name in quotes": lambda text: '"' in text,
}
"""Kinds of definition, each tried in turn; what none of them fits is `other`."""


def our_edges(text: str) -> set[Edge]:
    """The edges of a definition's trees."""
    return {edge for tree in sememe_trees(text) for edge in _edges(tree, "")}


def _edges(tree: TreeNode, above: str) -> Iterator[Edge]:
    yield (above, tree.role, tree.name)
    for child in tree.children:
        yield from _edges(child, tree.name)


def their_edges(sense: object) -> set[Edge]:
    """The edges of OpenHowNet's tree, in our spelling."""

    def name(node: object) -> str:
        return str(getattr(node.name, "en_zh", node.name)).replace("_", " ")  # type: ignore[attr-defined]

    root = sense.get_sememe_tree(return_node=True)  # type: ignore[attr-defined]
    return {
        (
            "" if node.parent is root else name(node.parent),
            "" if node.role in ("None", "sense") else node.role,
            name(node),
        )
        for node in root.descendants
    }


def count() -> dict[str, object]:
    """Count, in a process whose home has OpenHowNet's resources."""
    import OpenHowNet

    with contextlib.redirect_stdout(io.StringIO()):
        senses = OpenHowNet.HowNetDict().get_all_senses()
    texts = {sense.Def: sense for sense in senses}
    all_of_kind, misread = Counter(), Counter()
    for text, sense in texts.items():
        kind = next((name for name, fits in KINDS.items() if fits(text)), "other")
        all_of_kind[kind] += 1
        misread[kind] += their_edges(sense) != our_edges(text)
    rows = {kind: {"definitions": n, "misread": misread[kind]} for kind, n in all_of_kind.most_common()}
    return {"definitions": len(texts), "misread": sum(misread.values()), "by_kind": rows}


def main() -> None:
    """Print the counts as JSON."""
    if os.environ.get("MISREAD_HOME"):
        print(json.dumps(count(), indent=2))  # noqa: T201
        return
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / ".openhownet").mkdir()
        (Path(home) / ".openhownet" / "resources").symlink_to(RESOURCES)
        environment = {**os.environ, "HOME": home, "MISREAD_HOME": "1", "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-m", "tests.bench.misread"], env=environment, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
