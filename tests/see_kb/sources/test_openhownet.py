"""OpenHowNet's resources: what a pickle may hold, and that nothing in it is run."""

import datetime
import io
import os
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_kb.errors import FormatError, SeeError
from see_kb.lexicon import Reject, Sense
from see_kb.sources.openhownet import SENSES_FILE, load_plain_pickle, read_openhownet, resource_folder

RECORD = {
    "No": "000000000001",
    "en_word": "man",
    "en_grammar": "noun [1 man]",
    "ch_word": "人",
    "ch_grammar": "noun",
    "Def": "{human|人}",
}
SENSE = Sense("000000000001", "人", "noun", "man", "noun", "{human|人}", en_grammar="1 man")


class Instance:
    """An object of a class of one's own."""


class Command:
    """An object whose unpickling runs a command."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


class ById(pickle.Pickler):
    """Refers to tuples by a persistent id."""

    def persistent_id(self, item):
        return "outside" if isinstance(item, tuple) else None


def pickled_by_id(value):
    buffer = io.BytesIO()
    ById(buffer).dump(value)
    return buffer.getvalue()


def resources(folder, data):
    (folder / SENSES_FILE).write_bytes(data)
    return folder


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_records_become_senses(tmp_path, protocol):
    lexicon = read_openhownet(resources(tmp_path, pickle.dumps({"000000000001": RECORD}, protocol)))
    assert lexicon.senses == (SENSE,)
    assert lexicon.rejects == ()
    assert [file.name for file in lexicon.files] == [SENSES_FILE]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_command_in_a_pickle_is_refused_and_not_run(tmp_path, protocol):
    marker = tmp_path / "was_run"
    command = Command(f"touch {marker}")
    folder = resources(tmp_path, pickle.dumps({"1": RECORD, "2": command}, protocol))
    with pytest.raises(FormatError) as caught:
        read_openhownet(folder)
    assert str(caught.value).startswith(f"{folder / SENSES_FILE}: refused")
    assert not marker.exists()
    pickle.loads(pickle.dumps(command))  # the command is one that would have shown
    assert marker.exists()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        {"1": Instance()},
        {"1": os.path.join},
        {"1": Instance},
        {"1": datetime.date(2020, 1, 1)},
        {"1": b"bytes"},
        {"1": bytearray(b"bytes")},
        {b"1": RECORD},
        {"1": [{"a": (b"deep inside",)}]},
        {"1": 1j},
    ],
    ids=repr,
)
def test_anything_but_plain_values_is_refused(tmp_path, value, protocol):
    with pytest.raises(FormatError, match=r"x: refused \(it "):
        load_plain_pickle(pickle.dumps(value, protocol), tmp_path / "x")


def test_an_object_outside_a_pickle_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"x: refused \(it "):
        load_plain_pickle(pickled_by_id({"1": (1, 2)}), tmp_path / "x")


@pytest.mark.parametrize("data", [b"\x80\x02Nr\xff\xff\xff\x7f.", b"Np2000000000\n.", b"Np-1\n."])
def test_a_few_bytes_cannot_ask_for_gigabytes_of_memo(tmp_path, data):
    with pytest.raises(FormatError, match=r"x: refused \(it "):
        load_plain_pickle(data, tmp_path / "x")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
        max_leaves=10,
    ),
    st.integers(0, pickle.HIGHEST_PROTOCOL),
)
def test_plain_values_are_read_as_pickle_reads_them(tmp_path_factory, value, protocol):
    assert load_plain_pickle(pickle.dumps(value, protocol), tmp_path_factory.getbasetemp()) == value


def test_a_value_that_holds_itself_is_looked_through_once(tmp_path):
    endless: list = [1]
    endless.append(endless)
    assert load_plain_pickle(pickle.dumps(endless), tmp_path)[0] == 1


def test_a_pickle_cut_off_anywhere_is_refused(tmp_path):
    whole = pickle.dumps({"1": RECORD}, 4)
    for length in range(len(whole)):
        with pytest.raises(FormatError, match="refused"):
            load_plain_pickle(whole[:length], tmp_path)


@pytest.mark.parametrize("data", [b"", b"NO.=1\nW_C=a\n", b"\x80\x05", b"\x89PNG\r\n", b"}.."])
def test_what_is_no_dict_of_records_is_refused(tmp_path, data):
    with pytest.raises(FormatError, match=SENSES_FILE):
        read_openhownet(resources(tmp_path, data))


@pytest.mark.parametrize("value", [[RECORD], "text", 5, None, {}, {"1": None}, {"1": "text"}, {"1": {"Def": 5}}])
def test_other_plain_values_are_refused(tmp_path, value):
    with pytest.raises(FormatError, match=SENSES_FILE):
        read_openhownet(resources(tmp_path, pickle.dumps(value)))


def test_bad_records_are_refused_by_number_and_the_rest_loads(tmp_path):
    records = {
        "1": RECORD | {"Def": "{human|人"},
        "2": RECORD,
        "3": RECORD | {"en_word": 5},
        "4": RECORD | {"en_word": "", "ch_word": None},
        "5": ["no dict"],
    }
    lexicon = read_openhownet(resources(tmp_path, pickle.dumps(records)))
    assert lexicon.senses == (SENSE,)
    assert [(reject.file, reject.line) for reject in lexicon.rejects] == [(SENSES_FILE, line) for line in (1, 3, 4, 5)]
    assert [reject.reason.split(":")[0] for reject in lexicon.rejects] == [f"record {n}" for n in (1, 3, 4, 5)]


def test_a_word_that_no_encoding_spells_is_refused_as_a_record(tmp_path):
    records = {"1": RECORD | {"en_word": "\ud800"}, "2": RECORD}
    lexicon = read_openhownet(resources(tmp_path, pickle.dumps(records)))
    assert lexicon.senses == (SENSE,)
    assert isinstance(lexicon.rejects[0], Reject)


def test_the_folder_is_found_by_itself_or_its_parent(tmp_path):
    inner = tmp_path / "resources"
    inner.mkdir()
    assert resource_folder(tmp_path) is None
    resources(inner, pickle.dumps({"1": RECORD}))
    assert resource_folder(tmp_path) == resource_folder(inner) == inner
    assert read_openhownet(tmp_path).senses == (SENSE,)


def test_a_folder_without_senses_is_refused(tmp_path):
    with pytest.raises(SeeError, match=f"lacks {SENSES_FILE}"):
        read_openhownet(tmp_path)


def test_a_tower_of_tuples_is_refused_before_it_is_hashed():
    tower = b"\x80\x04}" + b"N" + b"\x85" * 3_000_000 + b"Ns."
    with pytest.raises(FormatError, match="tuples"):
        load_plain_pickle(tower, Path("dictionary"))
