"""The grammar of definitions: what is read, what it means, and where what is refused is wrong."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.kdml import (
    MAX_DEPTH,
    MAX_LENGTH,
    Definition,
    Feature,
    KdmlError,
    Node,
    Occurrence,
    Quoted,
    format_definition,
    occurrences,
    parse_definition,
    sememe_key,
    sememes_of_text,
)
from tests.strategies import definitions, sememe_names, texts_like_kdml


def read_or_error(text):
    try:
        return parse_definition(text), None
    except KdmlError as error:
        return None, error


@given(definitions)
def test_parsing_undoes_formatting(definition):
    assert parse_definition(format_definition(definition)) == definition


@given(texts_like_kdml)
def test_formatting_undoes_parsing_and_nothing_but_a_kdml_error_is_raised(text):
    definition, error = read_or_error(text)
    if definition is not None:
        assert format_definition(definition) == text
    else:
        assert 1 <= error.column <= len(text) + 1
        assert str(error) == f"column {error.column}: {error.problem}"


@given(st.text(max_size=30))
def test_arbitrary_text_raises_nothing_but_a_kdml_error(text):
    _, error = read_or_error(text)
    assert "\n" not in str(error)


@given(definitions)
def test_positions_delimit_what_was_read(definition):
    text = format_definition(definition)
    waiting = list(parse_definition(text).roots)
    while waiting:
        node = waiting.pop()
        bare = replace(node, lead="", tail="")
        assert parse_definition(text[node.start : node.end]) == Definition((bare,))
        for feature in node.features:
            if isinstance(feature, Node):
                waiting.append(feature)
                continue
            spelled = text[feature.start : feature.end]
            assert parse_definition(f"{{x|x:{spelled}}}").roots[0].features == (feature,)
            for value in feature.values:
                if isinstance(value, Quoted):
                    assert text[value.start : value.end] == f'"{value.name}"'
                else:
                    waiting.append(value)


def test_a_definition_is_read_into_its_tree():
    text = '{part|部件:whole={human|人},belong="China|中国""US|美国"{?},{do|做:manner={~},RelateTo={$}}};{*}'
    assert parse_definition(text) == Definition(
        (
            Node(
                "part|部件",
                (
                    Feature("whole", (Node("human|人"),)),
                    Feature("belong", (Quoted("China|中国"), Quoted("US|美国"), Node("?"))),
                    Node("do|做", (Feature("manner", (Node("~"),)), Feature("RelateTo", (Node("$"),)))),
                ),
            ),
            Node("*"),
        )
    )


def test_white_space_belongs_to_the_value_that_it_touches():
    (root,) = parse_definition(' { a|b : role = {c|d} "e|f" , {g|h} } ').roots
    feature, node = root.features
    assert (root.lead, root.head, root.tail) == (" ", " a|b ", " ")
    assert (feature.role, feature.values[0].lead, feature.values[0].tail) == (" role ", " ", " ")
    assert (feature.values[1].lead, feature.values[1].tail) == ("", " ")
    assert (node.lead, node.tail) == (" ", " ")


def test_occurrences_have_their_order_depth_and_role():
    definition = parse_definition('{a|甲:r={b|乙:{c|丙:s={~}}},t="D_E |丁"{?:u={$}{e|戊}}};{f|己};{*:{a|甲}}')
    assert occurrences(definition) == (
        Occurrence("a|甲", 0, None),
        Occurrence("b|乙", 1, "r", 0),
        Occurrence("c|丙", 2, None, 1),
        Occurrence("D E|丁", 1, "t", 0),
        Occurrence("e|戊", 2, "u", 0),
        Occurrence("f|己", 0, None),
        Occurrence("a|甲", 1, None),  # below a mark, which is no sememe
    )


def test_sememes_of_a_text_come_once_in_the_order_of_their_first_occurrence():
    assert sememes_of_text("{b|乙:r={a|甲},{b|乙:s={c|丙}{a|甲}}}") == ("b|乙", "a|甲", "c|丙")


def test_marks_are_no_sememes():
    assert sememes_of_text("{?:r={~}{$}{*}};{ ~ }") == ()


@pytest.mark.parametrize("name", ["Sri Lanka|斯里兰卡", "Sri_Lanka|斯里兰卡", " Sri  Lanka |斯里兰卡 "])
def test_a_space_and_an_underscore_are_the_same_name(name):
    assert sememe_key(name) == "Sri Lanka|斯里兰卡"


def test_upper_and_lower_case_are_different_names():
    assert sememe_key("Stop|停") != sememe_key("stop|停")


@given(sememe_names)
def test_a_key_is_its_own_key(name):
    assert sememe_key(sememe_key(name)) == sememe_key(name)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1),
        ("   ", 4),
        ("human", 1),
        ("{", 2),
        ("{}", 2),
        ("{a|b", 5),
        ("{a|b:c={d|e}", 13),
        ("{a|b}x", 6),
        ("{a|b}}", 6),
        ("{a|b};", 7),
        ("{a|b}{c|d}", 6),
        ("{a|b,c={d|e}}", 5),
        ("{a|b:}", 6),
        ("{a|b:agent}", 11),
        ("{a|b:agent=}", 12),
        ("{a|b:agent=c|d}", 12),
        ("{a|b:agent={c|d},}", 18),
        ('{a|b:agent="c|d}', 16),
        ('{a|b:"c|d"}', 6),
        ("{a|b:x={c|d}y}", 13),
        ("{a|b:1x={c|d}}", 6),
        ("{a|b:人={c|d}}", 6),
    ],
)
def test_what_is_malformed_is_refused_with_its_column(text, column):
    with pytest.raises(KdmlError) as caught:
        parse_definition(text)
    assert caught.value.column == column


@pytest.mark.parametrize("name", ["ab", "a|", "|b", "|", "a|b|c", " |b", "a\x1c|b", "a\n|b"])
@pytest.mark.parametrize(("before", "after"), [("{x|x:r=", "}"), ("{x|x:", "}"), ("", "")])
def test_a_wrong_name_is_refused_at_its_brace(name, before, after):
    with pytest.raises(KdmlError, match="no sememe name") as caught:
        parse_definition(f"{before}{{{name}}}{after}")
    assert caught.value.column == len(before) + 1


def test_an_unclosed_brace_is_named_with_the_column_where_it_opened():
    with pytest.raises(KdmlError, match="opened at column 6"):
        parse_definition("{a|b:{c|d")


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 1_000, 10_000])
def test_nesting_beyond_the_limit_is_refused_where_it_begins(depth):
    with pytest.raises(KdmlError, match="nested") as caught:
        parse_definition("{a|b:" * (depth - 1) + "{a|b}" + "}" * (depth - 1))
    assert caught.value.column == len("{a|b:") * MAX_DEPTH + 1


def test_nesting_up_to_the_limit_is_read():
    text = "{a|b:" * (MAX_DEPTH - 1) + "{a|b}" + "}" * (MAX_DEPTH - 1)
    definition = parse_definition(text)
    assert max(found.depth for found in occurrences(definition)) == MAX_DEPTH - 1
    assert format_definition(definition) == text


def test_length_up_to_the_limit_is_read_and_beyond_it_refused():
    longest = "{" + "a" * (MAX_LENGTH - 4) + "|b}"
    assert len(longest) == MAX_LENGTH
    assert format_definition(parse_definition(longest)) == longest
    with pytest.raises(KdmlError, match=str(MAX_LENGTH)):
        parse_definition("{a" + longest[1:])


@pytest.mark.parametrize(
    "build",
    [
        lambda: Node("human"),
        lambda: Node("human|人", lead="x"),
        lambda: Quoted("~"),
        lambda: Quoted("a|b", tail=","),
        lambda: Feature("", (Node("~"),)),
        lambda: Feature("agent", ()),
        lambda: Definition(()),
    ],
)
def test_a_tree_that_no_text_spells_cannot_be_made(build):
    with pytest.raises(KdmlError):
        build()
