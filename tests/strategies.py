"""Hypothesis strategies: sememe names, definitions as trees, and vocabularies.

White space after a value is read as that value's `tail`, before the first value (or a node) as its `lead`;
only such normal forms are drawn, as a text has one tree but a tree that is not normal has the text of another.
"""

from dataclasses import replace

from hypothesis import strategies as st

from see_kb.kdml import Definition, Feature, Node, Quoted
from see_kb.vocabulary.pieces import Piece

_ENGLISH = st.text("abzAZ09-_ ", min_size=1, max_size=6).filter(str.strip)
_CHINESE = st.text(
    st.one_of(st.sampled_from("人医生打 "), st.characters(categories=("Lu", "Ll", "Lo", "Nd", "Mn"))),
    min_size=1,
    max_size=4,
).filter(str.strip)

sememe_names = st.builds("{}|{}".format, _ENGLISH, _CHINESE)
"""Names as a definition may spell them, white space and underscores included."""

_space = st.sampled_from(["", "", "", " ", "\t", " \u3000"])
_marks = st.builds("{}{}{}".format, _space, st.sampled_from("~?$*"), _space)
_heads = st.one_of(sememe_names, _marks)
_roles = st.builds("{}{}{}".format, _space, st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True), _space)
_quoted = st.builds(Quoted, sememe_names, lead=_space, tail=_space)
_leaves = st.builds(Node, _heads, lead=_space, tail=_space)


def _nodes(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    values = st.lists(st.one_of(inner, _quoted), min_size=1, max_size=3).map(_normal_values)
    features = st.lists(st.one_of(inner, st.builds(Feature, _roles, values)), max_size=3).map(tuple)
    return st.builds(Node, _heads, features, lead=_space, tail=_space)


def _normal_values(values: list[Node | Quoted]) -> tuple[Node | Quoted, ...]:
    return (values[0], *(replace(value, lead="") for value in values[1:]))


nodes = st.recursive(_leaves, _nodes, max_leaves=10)

definitions = st.builds(Definition, st.lists(nodes, min_size=1, max_size=3).map(tuple))
"""Trees of definitions, in normal form."""

texts_like_kdml = st.text('{}:,;="|ab人 ~?$*\n', max_size=40)
"""Texts over the signs of the grammar, hardly any of them sound."""


def vocabularies(alphabet: str = "ab", max_length: int = 4, max_size: int = 40) -> st.SearchStrategy[list[Piece]]:
    """Draw vocabularies of distinct pieces over a small alphabet, in which many forms resemble each other."""
    texts = st.text(alphabet, min_size=1, max_size=max_length)
    entries = st.lists(st.tuples(texts, st.booleans()), unique=True, max_size=max_size)
    return entries.map(
        lambda drawn: [
            Piece(number, "▁" + text if starts else text, text, "normal", starts)
            for number, (text, starts) in enumerate(drawn)
        ]
    )
