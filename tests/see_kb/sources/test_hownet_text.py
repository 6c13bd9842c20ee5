"""HowNet's text format: what is read, what is refused with its line, and that the rest loads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Reject, Sense
from see_kb.sources.door import read_texts
from see_kb.sources.hownet_text import MAX_LINE, parse_records, split_grammar
from tests.small_data import record

RECORD = [
    "NO.=047395",
    "W_C=医生",
    "G_C=noun [yi1 sheng1]",
    "S_C=PlusSentiment|正面评价",
    "E_C=看~",
    "W_E=doctor",
    "G_E=noun [2 doctornoun-0]",
    "S_E=PlusFeeling|正面情感",
    "E_E=see a ~",
    "DEF={human|人:domain={medical|医}}",
    "RMK=as in English = doctor",
]
SENSE = Sense(
    number="047395",
    zh_word="医生",
    zh_pos="noun",
    en_word="doctor",
    en_pos="noun",
    definition="{human|人:domain={medical|医}}",
    zh_grammar="yi1 sheng1",
    en_grammar="2 doctornoun-0",
    zh_sentiment="PlusSentiment|正面评价",
    en_sentiment="PlusFeeling|正面情感",
    zh_example="看~",
    en_example="see a ~",
    remark="as in English = doctor",
)
GOOD = record(1, "人", "man", "noun", "{human|人}")


def words(senses):
    return [(sense.number, sense.en_word, sense.definition) for sense in senses]


@given(st.permutations(RECORD))
def test_fields_are_read_in_any_order(lines):
    assert parse_records("\n".join(lines), "f") == ([SENSE], [])


@given(st.sets(st.sampled_from([line for line in RECORD if not line.startswith(("DEF", "W_E"))])))
def test_any_field_may_be_missing_but_a_word_and_a_definition(dropped):
    senses, rejects = parse_records("\n".join(line for line in RECORD if line not in dropped), "f")
    assert rejects == []
    (sense,) = senses
    assert (sense.en_word, sense.definition) == (SENSE.en_word, SENSE.definition)
    assert sense.number == ("" if RECORD[0] in dropped else SENSE.number)
    assert sense.remark == ("" if RECORD[-1] in dropped else SENSE.remark)


def test_several_definitions_are_several_senses():
    text = record(7, "打", "hit", "verb", "{beat|打}", "{attack|攻打}")
    senses, rejects = parse_records(text, "f")
    assert words(senses) == [("000007", "hit", "{beat|打}"), ("000007", "hit", "{attack|攻打}")]
    assert rejects == []


def test_one_bad_definition_of_several_is_refused_alone():
    senses, rejects = parse_records(record(7, "打", "hit", "verb", "{beat|打}", "{attack", "{do|做}"), "f")
    assert [sense.definition for sense in senses] == ["{beat|打}", "{do|做}"]
    assert [reject.line for reject in rejects] == [7]


@pytest.mark.parametrize("first", ["NO.", "W_C"])
def test_records_need_no_blank_line_between_them(first):
    lines = (
        ["NO.=1", "W_C=人", "W_E=man", "DEF={human|人}"] if first == "NO." else ["W_C=人", "W_E=man", "DEF={human|人}"]
    )
    senses, rejects = parse_records("\n".join(lines * 3), "f")
    assert [sense.en_word for sense in senses] == ["man"] * 3
    assert rejects == []


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("gb18030"),
    ],
)
def test_line_ends_marks_and_encodings_make_no_difference(tmp_path, end, encode):
    file = tmp_path / "words.txt"
    file.write_bytes(encode((end.join(RECORD) + end * 2) * 2))
    lexicon = read_texts(file)
    assert lexicon.senses == (SENSE, SENSE)
    assert lexicon.rejects == ()


@pytest.mark.parametrize(
    ("data", "place", "problem"),
    [
        (GOOD.encode("utf-16"), ":1:", "UTF-16"),
        (GOOD.encode("utf-16-le"), ":1:", "NUL"),
        (GOOD.encode() + b"RMK=a\x00b\n", ":9:", "NUL"),
        (GOOD.encode() * 5 + b"W_C=\xff\n" + GOOD.encode(), ":41:", "damaged UTF-8"),
        (GOOD.encode("gb18030") + b"W_C=\xff\xff\n", ":9:", "neither UTF-8 nor GB18030"),
        (b"", ":1:", "no record"),
        (b"\n \n\n", ":1:", "no record"),
        (b"once upon a time\n", ":1:", "no line FIELD=value"),
        (bytes(range(1, 256)) * 40, ":", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_is_no_dictionary_is_refused_with_its_line(tmp_path, data, place, problem):
    file = tmp_path / "words.txt"
    file.write_bytes(data)
    with pytest.raises(FormatError, match=problem) as caught:
        read_texts(file)
    assert str(caught.value).startswith(f"{file}{place}")


@pytest.mark.parametrize(
    ("bad", "line", "reason"),
    [
        ("W_E=man\nRMK=\n\n", 9, "no definition"),
        ("DEF={human|人}\nRMK=\n\n", 9, "no word"),
        ("W_E=\nW_C= \nDEF={human|人}\n\n", 11, "no word"),
        ("W_E=man\nDEF={human|人\n\n", 10, "never closed"),
        ("W_E=man\nDEF=\n\n", 10, "no definition"),
        ("W_E=man\nDEF={human}\n\n", 10, "no sememe name"),
        ("W_E=man\nDEF=" + "{a|b:" * 999 + "{a|b}" + "}" * 999 + "\n\n", 10, "nested"),
        ("W_E=man\nbroken line\nDEF={human|人}\n\n", 10, "broken line"),
        ("W_E=man\nRMK=" + "x" * 10_000_000 + "\nDEF={human|人}\n\n", 10, "10000004 characters"),
        ("x" * (MAX_LINE + 1) + "\n\n", 9, "characters"),
    ],
)
def test_a_bad_record_is_refused_with_file_and_line_and_the_rest_loads(tmp_path, bad, line, reason):
    file = tmp_path / "words.txt"
    file.write_text(GOOD + bad + GOOD, encoding="utf-8")
    lexicon = read_texts(file)
    assert words(lexicon.senses) == [("000001", "man", "{human|人}")] * 2
    (reject,) = lexicon.rejects
    assert (reject.file, reject.line) == ("words.txt", line)
    assert reason in reject.reason
    assert len(reject.reason) < 200


@pytest.mark.parametrize("kept", range(1, len(RECORD)))
def test_a_record_cut_off_at_the_end_is_read_or_refused_never_guessed(kept):
    senses, rejects = parse_records(GOOD + "\n".join(RECORD[:kept]), "f")
    assert words(senses)[0] == ("000001", "man", "{human|人}")
    assert len(senses) + len(rejects) == 2
    assert len(rejects) == (not any(line.startswith("DEF") for line in RECORD[:kept]))


def test_a_definition_cut_off_anywhere_is_refused():
    for length in range(1, len(SENSE.definition)):
        senses, rejects = parse_records(f"W_E=doctor\nDEF={SENSE.definition[:length]}", "f")
        assert senses == []
        assert [reject.line for reject in rejects] == [2]


def test_free_text_runs_on_over_lines_that_look_like_no_field():
    text = "W_E=man\nE_E=a man\n  and a boy\nDEF={human|人}\nRMK=first\nsecond: a=b\n\n"
    (sense,), rejects = parse_records(text, "f")
    assert (sense.en_example, sense.remark) == ("a man\nand a boy", "first\nsecond: a=b")
    assert rejects == []


@pytest.mark.parametrize("sign", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029"])
def test_control_signs_inside_a_field_do_not_end_its_line(sign):
    text = f"W_E=man\nG_E=noun [a{sign}b]\nRMK=c{sign}d\nDEF={{human|人}}\n\n{GOOD}"
    senses, rejects = parse_records(text, "f")
    assert rejects == []
    assert [sense.en_word for sense in senses] == ["man", "man"]
    assert (senses[0].en_pos, senses[0].en_grammar, senses[0].remark) == ("noun", f"a{sign}b", f"c{sign}d")


@pytest.mark.parametrize(
    ("text", "pos", "rest"),
    [
        ("noun", "noun", ""),
        ("noun [dong4 mai4]", "noun", "dong4 mai4"),
        ("verb[2 askverb ]", "verb", "2 askverb"),
        ("noun [never closed", "noun", "never closed"),
        ("[only]", "", "only"),
        ("", "", ""),
        ("two words", "two words", ""),
    ],
)
def test_the_part_of_speech_stands_before_the_brackets(text, pos, rest):
    assert split_grammar(text) == (pos, rest)


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path):
    (tmp_path / "b.txt").write_text(record(2, "狗", "dog", "noun", "{livestock|牲畜}"), encoding="utf-8")
    (tmp_path / "a.txt").write_text(GOOD + "W_E=x\n", encoding="utf-8")
    (tmp_path / "c.md").write_text("no dictionary", encoding="utf-8")
    lexicon = read_texts(tmp_path)
    assert [sense.en_word for sense in lexicon.senses] == ["man", "dog"]
    assert [file.name for file in lexicon.files] == ["a.txt", "b.txt"]
    assert lexicon.rejects == (Reject("a.txt", 9, "no definition; add a DEF line"),)


def test_a_folder_without_texts_is_refused(tmp_path):
    with pytest.raises(SeeError, match=r"\*\.txt"):
        read_texts(tmp_path)


@given(st.text("NOWCDEF._=\n\r {}|ab人", max_size=60))
def test_every_definition_line_is_a_sense_or_a_reject(text):
    senses, rejects = parse_records(text, "f")
    assert all(sense.en_word or sense.zh_word for sense in senses)
    assert all(1 <= reject.line <= text.count("\n") + 1 for reject in rejects)
    assert bool(text.strip()) == bool(senses or rejects)


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_a_format_error(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "random.txt"
    file.write_bytes(data)
    place = f"{file}:"
    try:
        read_texts(file)
    except FormatError as error:
        place = str(error)
    assert place.startswith(f"{file}:")


def test_without_blank_lines_and_numbers_a_word_behind_a_definition_is_the_next_ones():
    text = (
        "W_E=tiger\nDEF={beast|走兽}\nRMK=a\nW_C=医生\nW_E=doctor\nDEF={human|人}\nDEF={male|男}\n"
        "W_C=人\nDEF={human|人}\n"
    )
    senses, rejects = parse_records(text, "x")
    assert [(sense.zh_word, sense.en_word, sense.definition) for sense in senses] == [
        ("", "tiger", "{beast|走兽}"),
        ("医生", "doctor", "{human|人}"),
        ("医生", "doctor", "{male|男}"),
        ("人", "", "{human|人}"),
    ]
    assert rejects == []


def test_without_blank_lines_a_definition_may_stand_between_number_and_word():
    text = "NO.=1\nDEF={human|人}\nW_C=人\nW_E=man\nNO.=2\nDEF={beast|走兽}\nW_C=虎\nW_E=tiger\n"
    senses, rejects = parse_records(text, "x")
    assert [(sense.zh_word, sense.en_word) for sense in senses] == [("人", "man"), ("虎", "tiger")]
    assert rejects == []


@pytest.mark.parametrize("before", ["", "\n", " \n\n"])
def test_without_blank_lines_records_may_begin_with_their_definition(before):
    text = before + "DEF={human|人}\nDEF={male|男}\nW_E=man\nG_E=noun\nDEF={female|女}\nW_E=woman\n"
    senses, rejects = parse_records(text, "x")
    assert [(sense.en_word, sense.definition) for sense in senses] == [
        ("man", "{human|人}"),
        ("man", "{male|男}"),
        ("woman", "{female|女}"),
    ]
    assert rejects == []
