"""A picture of a sememe tree."""

from pathlib import Path

from see_kb.knowledge.trees import TreeNode, sememe_trees

LINE_HEIGHT = 0.42
"""Inches that a node takes."""


FONTS = ("Noto Sans CJK SC", "Source Han Sans SC", "WenQuanYi Zen Hei", "Microsoft YaHei", "PingFang SC", "Heiti SC")
"""Fonts with Chinese characters; where none is installed, only the English halves of names are drawn."""


def plot_tree(definition: str, path: Path) -> None:
    """Draw a definition's trees, a node a line, indented by depth, with the roles before the names.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    font = next((name for name in FONTS if name in installed), None)
    rows: list[tuple[int, TreeNode, int | None]] = []
    for tree in sememe_trees(definition):
        _add(rows, tree, 0, None)
    figure = Figure(figsize=(9, max(1.5, LINE_HEIGHT * len(rows))), layout="constrained")
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set_xlim(-0.2, max(depth for depth, _, _ in rows) + 4)
    axes.set_ylim(-len(rows), 1)
    for line, (depth, node, above) in enumerate(rows):
        if above is not None:
            axes.plot([depth - 0.8, depth - 0.8, depth - 0.1], [-above - 0.3, -line, -line], color="0.6", linewidth=1)
        axes.text(depth, -line, _label(node, with_chinese=font is not None), va="center", family=font or "sans-serif")
    figure.savefig(path, dpi=120)


def _label(node: TreeNode, *, with_chinese: bool) -> str:
    role = f"{node.role}: " if node.role else ""
    meaning = f" = {node.stands_for}" if node.stands_for else ""
    text = f"{role}{node.name}{meaning}"
    return text if with_chinese else " ".join(word.split("|")[0] for word in text.split(" "))


def _add(rows: list[tuple[int, TreeNode, int | None]], node: TreeNode, depth: int, above: int | None) -> None:
    rows.append((depth, node, above))
    place = len(rows) - 1
    for child in node.children:
        _add(rows, child, depth + 1, place)
