"""Which sememes and morphemes a piece has, as a matrix: what the knowledge base knows of a vocabulary, in numbers."""

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array

from see_kb.tables.manifest import read_manifest
from see_kb.tables.query import run_query

_AMOUNTS = """
    SELECT piece_id, 'sememe ' || sememe AS unit, 1.0 / count(*) OVER (PARTITION BY piece_id, part) AS amount
    FROM piece_sememes
    UNION ALL
    SELECT DISTINCT piece_id, 'morpheme ' || text, 1.0 FROM piece_units WHERE kind = 'morpheme'
    ORDER BY ALL"""
"""The sememes of all senses of each part of a piece, one in sum for a part; the morphemes of its row, one for each."""


def read_unit_matrix(folder: Path) -> csr_array:
    """Read how much of each sememe and morpheme the pieces of a folder of tables have.

    Returns:
        (V, U); rows of pieces that have none are empty.
    Raises:
        SeeError: the folder holds no tables, or damaged ones.
    """
    amounts = run_query(folder, _AMOUNTS)
    column, names = pd.factorize(amounts["unit"])
    shape = int(read_manifest(folder)["tokenizer"]["n_pieces"]), len(names)
    place = amounts["piece_id"].to_numpy(np.int64), column
    return csr_array(coo_array((amounts["amount"].to_numpy(np.float64), place), shape=shape))
