"""The grammar against every definition at hand: specification, dictionary and taxonomy."""

import re

from see_kb.kdml import format_definition, parse_definition
from tests.shared_data import HOWNET, SPECIFICATION, TAXONOMY, needs_shared

pytestmark = needs_shared


def _assert_all_round_trip(texts, at_least):
    assert len(texts) >= at_least
    assert [text for text in texts if format_definition(parse_definition(text)) != text] == []


def test_all_examples_of_the_specification_format_back_to_themselves():
    lines = SPECIFICATION.read_text(encoding="utf-8").splitlines()[1:]
    _assert_all_round_trip([line.split("\t")[5] for line in lines], at_least=122)


def test_all_definitions_of_the_dictionary_format_back_to_themselves():
    found = re.findall(r"(?m)^DEF=(.*)$", HOWNET.read_text(encoding="utf-8"))
    assert len(found) == 74_094
    _assert_all_round_trip(sorted(set(found)), at_least=11_704)


def test_all_definitions_of_the_taxonomies_format_back_to_themselves():
    texts = [file.read_bytes().decode("gb18030") for file in sorted(TAXONOMY.glob("*.txt"))]
    found = [text for file in texts for text in re.findall(r"(?m)^[^{]*\{[^{}]*\} (\{.*\})\s*$", file)]
    _assert_all_round_trip(found, at_least=957)
