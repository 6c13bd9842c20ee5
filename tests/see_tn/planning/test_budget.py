import pytest
import torch

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.checkpoint import save_embedding
from see_tn.layer.spec import empty_layer
from see_tn.planning.budget import Budget, layer_spec, shape_for_ratio
from tests.see_tn.examples import some_rows

ROWS = some_rows(n_pieces=6000, n_units=40)
SHAPE = ChainShape("cp", 64, (4, 4, 4), 1)


@pytest.mark.parametrize("form", ["cp", "mps"])
@pytest.mark.parametrize("storage", ["float32", "bfloat16", "int8"])
def test_the_files_on_the_disk_reach_the_ratio_and_one_rank_more_would_not(tmp_path, form, storage):
    shape = shape_for_ratio(ROWS, ChainShape(form, 64, (4, 4, 4), 1), Budget(5, "bytes", storage))
    layer = empty_layer(layer_spec(ROWS, shape, storage, offset=True))
    layer.product.index.copy_(torch.from_numpy(ROWS.index).permute(2, 0, 1))
    layer.product.amplitude.copy_(torch.from_numpy(ROWS.amplitude))
    save_embedding(layer, tmp_path / "factors")
    on_disk = sum(path.stat().st_size for path in (tmp_path / "factors").iterdir())
    assert 4 * 6000 * 64 / on_disk >= 5
    more = layer_spec(ROWS, shape.with_rank(shape.rank + 1), storage, offset=True)
    assert more.stored_bytes(ROWS.stored_bytes()) > 4 * 6000 * 64 / 5


@pytest.mark.parametrize("offset", [True, False])
def test_by_parameters_only_cores_and_offset_count(offset):
    shape = shape_for_ratio(ROWS, SHAPE, Budget(20, "parameters"), offset=offset)
    n = sum(
        parameter.numel() for parameter in empty_layer(layer_spec(ROWS, shape, "float32", offset=offset)).parameters()
    )
    assert 6000 * 64 / n >= 20
    assert 6000 * 64 / (n + 3 * 40 * 4) < 20


def test_fewer_bytes_per_number_buy_a_higher_rank():
    ranks = [
        shape_for_ratio(ROWS, SHAPE, Budget(5, "bytes", storage)).rank for storage in ("float32", "bfloat16", "int8")
    ]
    assert ranks == sorted(set(ranks))


def test_a_ratio_out_of_reach_says_what_the_index_takes():
    with pytest.raises(FactorError, match=f"{ROWS.stored_bytes()} of them the index: ask for a smaller ratio"):
        shape_for_ratio(ROWS, SHAPE, Budget(500))
    with pytest.raises(FactorError, match="leaves 192 parameters, rank 1 takes 544: ask"):
        shape_for_ratio(ROWS, SHAPE, Budget(2000, "parameters"))


@pytest.mark.parametrize("ratio", [0, -3, float("nan")])
def test_a_ratio_that_is_not_positive_is_refused(ratio):
    with pytest.raises(FactorError, match="ask for a positive one"):
        Budget(ratio)
