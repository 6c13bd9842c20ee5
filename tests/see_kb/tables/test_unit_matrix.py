"""Sememes and morphemes of pieces as a matrix."""

import numpy as np
import pytest

from see_kb.errors import SeeError
from see_kb.tables.query import run_query
from see_kb.tables.store import read_table
from see_kb.tables.unit_matrix import read_unit_matrix


def test_pieces_that_share_sememes_share_columns(small_tables):
    matrix = read_unit_matrix(small_tables)
    pieces = read_table(small_tables, "pieces").sort_by("piece_id").column("piece").to_pylist()
    assert matrix.shape[0] == len(pieces)
    assert matrix.data.min() > 0
    sememes = (
        run_query(small_tables, "SELECT piece_id, sememe FROM piece_sememes").groupby("piece_id")["sememe"].agg(set)
    )
    together = (matrix @ matrix.T).toarray() > 0
    checked = 0
    for one in sememes.index:
        for other in sememes.index:
            if sememes[one] & sememes[other]:
                assert together[one, other]
                checked += one != other
    assert checked > 0


def test_sememes_of_a_part_have_one_in_sum_a_morpheme_one_and_pieces_without_any_nothing(small_tables):
    matrix = read_unit_matrix(small_tables)
    of_terms = run_query(small_tables, "SELECT piece_id, text FROM piece_units WHERE kind = 'morpheme'")
    assert of_terms.duplicated().any()  # the terms of a row share their morphemes
    known = run_query(
        small_tables,
        "SELECT piece_id, count(DISTINCT part) AS n FROM piece_sememes GROUP BY ALL "
        "UNION ALL SELECT piece_id, count(DISTINCT text) FROM piece_units WHERE kind = 'morpheme' GROUP BY ALL",
    )
    wanted = known.groupby("piece_id")["n"].sum().reindex(range(matrix.shape[0]), fill_value=0)
    np.testing.assert_allclose(matrix.sum(axis=1), wanted.to_numpy(float))
    assert (wanted == 0).any()


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(SeeError, match="no folder of tables"):
        read_unit_matrix(tmp_path)
