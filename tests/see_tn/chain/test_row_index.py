import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from see_tn.chain.row_index import RowIndex
from see_tn.errors import FactorError
from tests.see_tn.examples import some_rows


def columns(piece_ids=(0, 0, 1), amplitudes=(0.8, 0.6, 1.0), unit_ids=((4, 7), (9, 7), (4, 5))):
    return np.array(piece_ids), np.array(amplitudes, dtype=np.float32), np.array(unit_ids)


def test_the_documented_example():
    rows = RowIndex.from_unit_rows(*columns())
    assert rows.index.tolist() == [[[0, 1], [1, 1]], [[0, 0], [0, 0]]]
    assert rows.amplitude.tolist() == [[np.float32(0.8), np.float32(0.6)], [1.0, 0.0]]
    assert rows.n_units == (2, 2)
    assert rows.n_terms.tolist() == [2, 1]
    assert (rows.n_pieces, rows.order) == (2, 2)


@st.composite
def tables(draw):
    counts = draw(st.lists(st.integers(1, 4), min_size=1, max_size=12))
    order = draw(st.integers(1, 4))
    n = sum(counts)
    floats = st.floats(-2, 2, width=32)
    amplitudes = draw(st.lists(floats, min_size=n, max_size=n))
    units = draw(st.lists(st.lists(st.integers(0, 2**20), min_size=order, max_size=order), min_size=n, max_size=n))
    return np.repeat(np.arange(len(counts)), counts), np.array(amplitudes, dtype=np.float32), np.array(units)


@given(tables())
def test_storing_loses_no_bit(table):
    rows = RowIndex.from_unit_rows(*table)
    back = RowIndex.from_stored(rows.stored(), rows.index.shape[1], rows.n_units)
    assert back.index.tobytes() == rows.index.tobytes()
    assert back.amplitude.tobytes() == rows.amplitude.tobytes()
    assert rows.stored_bytes() == sum(array.nbytes for array in rows.stored().values())


@given(tables(), st.data())
def test_storing_loses_no_bit_where_sites_share_a_numbering(table, data):
    order = table[2].shape[1]
    sharing = data.draw(st.lists(st.integers(0, 1), min_size=order, max_size=order).filter(lambda own: own[0] == 0))
    rows = RowIndex.from_unit_rows(*table, tuple(sharing))
    back = RowIndex.from_stored(rows.stored(), rows.index.shape[1], rows.n_units, rows.tables)
    assert back.index.tobytes() == rows.index.tobytes()
    for number in set(sharing):
        sites = [site for site, own in enumerate(sharing) if own == number]
        assert rows.n_units[number] == len(np.unique(table[2][:, sites]))


def test_sites_that_share_a_table_number_their_units_alike():
    units = np.array([[5, 7], [7, 5], [9, 5]])
    rows = RowIndex.from_unit_rows(np.arange(3), np.ones(3, np.float32), units, (0, 0))
    assert rows.n_units == (3,)
    assert rows.index[:, 0].tolist() == [[0, 1], [1, 0], [2, 0]]


def test_equal_counts_and_equal_amplitudes_are_stored_once():
    rows = some_rows(n_pieces=500, most_terms=1)
    stored = RowIndex(rows.index, np.ones_like(rows.amplitude), rows.n_units).stored()
    assert {name: len(array) for name, array in stored.items() if not name.startswith("units")} == {
        "terms": 1,
        "amplitude_codes": 0,
        "amplitude_values": 1,
    }


@given(tables())
def test_local_units_keep_the_order_of_global_ones(table):
    piece_ids, _, unit_ids = table
    rows = RowIndex.from_unit_rows(*table)
    used = np.arange(rows.index.shape[1]) < np.bincount(piece_ids)[:, None]
    for site, n_units in enumerate(rows.n_units):
        standing = np.unique(unit_ids[:, site])
        assert n_units == len(standing)
        assert np.array_equal(standing[rows.index[used][:, site]], unit_ids[:, site])


@pytest.mark.parametrize(
    ("n_units", "dtype"), [(256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.int32)]
)
def test_units_are_stored_in_the_smallest_type(n_units, dtype):
    index = np.array([[[0]], [[n_units - 1]]], dtype=np.int32)
    stored = RowIndex(index, np.ones((2, 1), dtype=np.float32), (n_units,)).stored()
    assert stored["units.0"].dtype == dtype
    assert stored["units.0"].tolist() == [0, n_units - 1]


@pytest.mark.parametrize(("n_values", "coded"), [(256, True), (257, False)])
def test_few_different_amplitudes_are_stored_as_codes(n_values, coded):
    amplitudes = np.linspace(0.1, 1, n_values, dtype=np.float32)
    rows = RowIndex.from_unit_rows(np.arange(n_values), amplitudes, np.zeros((n_values, 1), dtype=np.int32))
    assert ("amplitude_codes" in rows.stored()) == coded
    assert np.array_equal(RowIndex.from_stored(rows.stored(), 1, (1,)).amplitude, rows.amplitude)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"piece_ids": (0, 0, 2)}, "row 2 holds piece 2 after 0"),
        ({"piece_ids": (1, 1, 2)}, "row 0 holds piece 1 after nothing"),
        ({"piece_ids": (0, 1, 0)}, "row 2 holds piece 0 after 1"),
        ({"piece_ids": (-1, 0, 1)}, "row 0 holds piece -1"),
        ({"piece_ids": (0, 1)}, "must be \\(n,\\), \\(n,\\) and \\(n, order\\)"),
        ({"piece_ids": (0.0, 0.0, 1.0)}, "give integers"),
        ({"piece_ids": (), "amplitudes": (), "unit_ids": np.zeros((0, 2), dtype=int)}, "the table is empty"),
        ({"amplitudes": (0.8, np.nan, 1.0)}, "piece 0: its amplitude is not finite"),
        ({"unit_ids": ((4, 7), (9, -7), (4, 5))}, "row 1 holds a negative unit id"),
        ({"unit_ids": (4, 7, 9)}, "must be \\(n,\\)"),
    ],
)
def test_a_bad_table_is_refused_with_its_place(changes, problem):
    with pytest.raises(FactorError, match=problem):
        RowIndex.from_unit_rows(*columns(**changes))


@pytest.mark.parametrize(
    ("index", "amplitude", "n_units", "problem"),
    [
        (np.zeros((2, 1), np.int32), np.ones((2, 1), np.float32), (1,), "must be \\(V, T, O\\)"),
        (np.zeros((2, 1, 1), np.int64), np.ones((2, 1), np.float32), (1,), "give int32 and float32"),
        (np.zeros((2, 1, 1), np.int32), np.ones((2, 1), np.float32), (1, 1), "give each site a table"),
        (np.full((2, 1, 1), 3, np.int32), np.ones((2, 1), np.float32), (3,), "piece 0: unit 3 at site 0, where 3"),
        (np.full((2, 1, 1), -1, np.int32), np.ones((2, 1), np.float32), (3,), "unit -1 at site 0"),
    ],
)
def test_an_index_is_checked_where_it_is_born(index, amplitude, n_units, problem):
    with pytest.raises(FactorError, match=problem):
        RowIndex(index, amplitude, n_units)


def test_padding_costs_nothing_in_storage():
    rows = some_rows(n_pieces=50, most_terms=3)
    wider = RowIndex(
        np.pad(rows.index, ((0, 0), (0, 5), (0, 0))), np.pad(rows.amplitude, ((0, 0), (0, 5))), rows.n_units
    )
    assert wider.stored_bytes() == rows.stored_bytes()
