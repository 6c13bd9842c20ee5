import pytest
import torch
from torch import nn
from torch.nn import functional as F

from see_tn.errors import FactorError
from see_tn.models.head import EntangledHead, chunked_cross_entropy
from tests.see_tn.examples import FORMS, seeded
from tests.see_tn.layer.test_embedding import LargestTensor
from tests.see_tn.models.tiny import WIDTH, some_factors

HIDDEN = torch.randn(9, 23, generator=seeded())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("chunk", [3, 7, 100])
@pytest.mark.parametrize("with_bias", [False, True])
def test_chunked_cross_entropy_is_cross_entropy_gradients_included(form, chunk, with_bias):
    layer = FORMS[form](dtype=torch.float64)
    hidden = HIDDEN.double().requires_grad_()
    bias = nn.Parameter(torch.randn(20, dtype=torch.float64, generator=seeded(2))) if with_bias else None
    targets = torch.tensor([0, 19, 3, -100, 7, 7, 6, -100, 11])
    inputs = [hidden, *layer.parameters(), *([bias] if with_bias else [])]
    wanted = F.cross_entropy(F.linear(hidden, layer.materialise(), bias), targets)
    got = chunked_cross_entropy(hidden, layer, targets, bias=bias, chunk=chunk)
    torch.testing.assert_close(got.double(), wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(
        torch.autograd.grad(got, inputs), torch.autograd.grad(wanted, inputs), rtol=1e-4, atol=1e-5
    )


def test_targets_that_do_not_count_and_sums():
    layer, targets = FORMS["cp, one term"](), torch.tensor([1] * 8 + [5])
    plain, ignoring = (
        chunked_cross_entropy(HIDDEN, layer, targets, reduction="sum", ignore_index=index) for index in (-100, 5)
    )
    wanted = F.cross_entropy(HIDDEN @ layer.materialise().T, targets, reduction="none")
    torch.testing.assert_close(plain, wanted.sum())
    torch.testing.assert_close(ignoring, wanted[:-1].sum())
    assert chunked_cross_entropy(HIDDEN, layer, torch.full((9,), -100)).isnan()


def test_no_logits_of_the_whole_vocabulary_are_held():
    from see_tn.chain.shapes import ChainShape
    from see_tn.layer.embedding import EntangledEmbedding
    from tests.see_tn.examples import some_rows

    rows = some_rows(n_pieces=5_000, n_units=40, most_terms=1)
    layer = EntangledEmbedding(rows, ChainShape("cp", 24, (4, 3, 2), 2), generator=seeded())
    hidden = torch.randn(300, 24, requires_grad=True, generator=seeded(1))
    with LargestTensor() as seen:
        chunked_cross_entropy(hidden, layer, torch.arange(300), chunk=100).backward()
    assert seen.numel <= 300 * 100


def test_the_table_is_kept_until_a_factor_changes():
    layer = some_factors()
    head = EntangledHead(layer).eval()
    with torch.no_grad():
        first = head.table()
        assert head.table() is first
        layer.cores[0].add_(1)
        changed = head.table()
        assert changed is not first
        torch.testing.assert_close(changed, layer.materialise())
        layer.quantise()
        torch.testing.assert_close(head.table(), layer.materialise())
        assert head.table() is head.table()
        head.train()
        assert head.table() is not head.table()
    assert list(head.parameters()) == []


def test_a_table_made_under_autocast_is_not_kept_beyond_it():
    layer = FORMS["codes of 8 bits"]()
    head = EntangledHead(layer).eval()
    with torch.no_grad():
        exact = head.table()
        with torch.autocast("cpu", torch.bfloat16):
            rounded = head.table()
            assert head.table() is rounded
        assert not torch.equal(rounded, exact)
        assert torch.equal(head.table(), exact)


def test_a_step_that_does_not_count_its_changes_is_seen():
    """The fused optimiser leaves the numbers' versions as they are on a CPU."""
    layer = some_factors()
    head = EntangledHead(layer).eval()
    optimiser = torch.optim.AdamW(layer.parameters(), 0.1, fused=True)
    with torch.no_grad():
        head.table()
    head(torch.ones(1, WIDTH)).sum().backward()
    optimiser.step()
    with torch.no_grad():
        torch.testing.assert_close(head.table(), layer.materialise())


def test_such_a_step_is_seen_if_the_head_took_no_part_in_it():
    layer = some_factors()
    head = EntangledHead(layer).eval()
    optimiser = torch.optim.AdamW(layer.parameters(), 0.1, fused=True)
    with torch.no_grad():
        before = head.table().clone()
    layer(torch.arange(5)).square().sum().backward()
    optimiser.step()
    optimiser.zero_grad()
    with torch.no_grad():
        assert not torch.equal(head.table(), before)
        torch.testing.assert_close(head.table(), layer.materialise())


def test_a_layer_that_was_rounded_in_inference_mode_is_read():
    layer = some_factors()
    head = EntangledHead(layer).eval()
    with torch.inference_mode():
        layer.quantise()
        torch.testing.assert_close(head.table(), layer.materialise())


@pytest.mark.parametrize("wrong", [-1, 20])
def test_a_target_that_is_no_piece_is_refused(wrong):
    layer, targets = FORMS["cp, one term"](), torch.tensor([1] * 8 + [wrong])
    with pytest.raises(FactorError, match=r"none of the 20 pieces; use -100 for none"):
        chunked_cross_entropy(HIDDEN, layer, targets)
    assert chunked_cross_entropy(HIDDEN, layer, targets, ignore_index=wrong) > 0


def test_the_head_lists_the_layer_only_where_it_owns_it():
    layer = some_factors()
    assert len(list(EntangledHead(layer, owns=True).parameters())) == len(list(layer.parameters()))
    assert EntangledHead(layer).state_dict() == {}
    assert EntangledHead(layer)(torch.randn(2, 3, WIDTH)).shape == (2, 3, 50)
