import pytest
import torch

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.checkpoint import save_embedding, stored_bytes
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.planning.budget import shape_for_ratio
from tests.see_tn.examples import SHAPES, some_rows

ROWS = some_rows(n_pieces=3000, n_units=40)


@pytest.mark.parametrize("form", ["cp", "mps"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_the_files_on_the_disk_reach_the_ratio_and_one_rank_more_would_not(tmp_path, form, dtype):
    shape = shape_for_ratio(ROWS, ChainShape(form, 64, (4, 4, 4), 1), 5, by="bytes", dtype=dtype)
    save_embedding(EntangledEmbedding(ROWS, shape, offset=True, dtype=dtype), tmp_path / "factors")
    on_disk = sum(path.stat().st_size for path in (tmp_path / "factors").iterdir())
    assert 4 * 3000 * 64 / on_disk >= 5
    assert stored_bytes(ROWS, shape.with_rank(shape.rank + 1), dtype, offset=True) > 4 * 3000 * 64 / 5


@pytest.mark.parametrize("offset", [True, False])
def test_by_parameters_only_cores_and_offset_count(offset):
    shape = shape_for_ratio(ROWS, ChainShape("cp", 64, (4, 4, 4), 1), 20, by="parameters", offset=offset)
    layer = EntangledEmbedding(ROWS, shape, offset=offset)
    n = sum(parameter.numel() for parameter in layer.parameters())
    assert 3000 * 64 / n >= 20
    assert 3000 * 64 / (n + 3 * 40 * 4) < 20


def test_half_the_bytes_per_number_buy_a_higher_rank():
    ranks = [
        shape_for_ratio(ROWS, ChainShape("cp", 64, (4, 4, 4), 1), 5, by="bytes", dtype=dtype).rank
        for dtype in (torch.float32, torch.float16)
    ]
    assert ranks[1] > ranks[0]


def test_a_ratio_out_of_reach_says_what_the_index_takes():
    with pytest.raises(FactorError, match=f"{ROWS.stored_bytes()} of them the index: ask for a smaller ratio"):
        shape_for_ratio(ROWS, ChainShape("cp", 64, (4, 4, 4), 1), 500, by="bytes")
    with pytest.raises(FactorError, match="cores of rank 1 have 480 parameters, above the budget"):
        shape_for_ratio(ROWS, ChainShape("cp", 64, (4, 4, 4), 1), 500, by="parameters")


@pytest.mark.parametrize("ratio", [0, -3, float("nan")])
def test_a_ratio_that_is_not_positive_is_refused(ratio):
    with pytest.raises(FactorError, match="ask for a positive one"):
        shape_for_ratio(ROWS, SHAPES[4], ratio, by="bytes")
