import pytest
import tensornetwork as tn
import torch
from hypothesis import given
from hypothesis import strategies as st

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.spectrum.schmidt import bond_entropies, effective_rank, entropy, schmidt_values
from tests.see_tn.examples import seeded, some_rows


def test_a_product_has_no_entanglement_and_a_row_of_zeros_neither():
    vectors = [torch.randn(n, generator=seeded(n)) for n in (4, 3, 2)]
    product = torch.einsum("a,b,c->abc", *vectors).reshape(1, -1)
    for rows in (product, torch.zeros(1, 24)):
        for values in schmidt_values(rows, (4, 3, 2)):
            assert 0 <= float(entropy(values)) < 1e-5


@pytest.mark.parametrize("d", [2, 3, 8])
def test_an_identity_is_entangled_most(d):
    (values,) = schmidt_values(torch.eye(d).reshape(1, -1), (d, d))
    torch.testing.assert_close(values, torch.full((1, d), d**-0.5))
    torch.testing.assert_close(entropy(values), torch.log2(torch.tensor([float(d)])))
    torch.testing.assert_close(effective_rank(values), torch.tensor([float(d)]))


def test_rounding_makes_no_entropy_below_zero():
    assert float(entropy(torch.tensor([1.0000001, 0.0]))) == 0


@given(st.integers(0, 1000), st.sampled_from([(4, 3), (2, 3, 4), (3, 2, 2, 2)]))
def test_tensornetwork_finds_the_same_values(seed, sites):
    rows = torch.randn(1, 23 if sites == (2, 3, 4) else 12, generator=seeded(seed), dtype=torch.float64)
    whole = torch.nn.functional.pad(rows[0], (0, int(torch.tensor(sites).prod()) - rows.shape[1])).reshape(sites)
    for bond, values in enumerate(schmidt_values(rows, sites), start=1):
        node = tn.Node(whole, backend="pytorch")
        _, middle, _, _ = tn.split_node_full_svd(node, node.edges[:bond], node.edges[bond:])
        wanted = middle.tensor.diagonal() / whole.norm()
        torch.testing.assert_close(values[0], wanted, rtol=1e-6, atol=1e-8)


def test_a_row_of_m_channels_has_at_most_m_values():
    rows = some_rows(order=2, most_terms=1)
    layer = EntangledEmbedding(rows, ChainShape("cp", 24, (6, 4), 2), row_std=1.0, generator=seeded())
    (values,) = schmidt_values(layer.materialise().detach(), (6, 4))
    assert (values[:, 2:] < 1e-5).all()
    assert (values[:, :2] > 1e-5).all()


def test_chunks_are_put_together_in_order():
    rows = torch.randn(30, 24, generator=seeded())
    entropies, spectra = bond_entropies(torch.split(rows, 7), (4, 3, 2))
    values = schmidt_values(rows, (4, 3, 2))
    assert entropies.shape == (30, 2)
    for bond in range(2):
        torch.testing.assert_close(entropies[:, bond], entropy(values[bond]))
        torch.testing.assert_close(spectra[bond], values[bond].square().mean(dim=0))
        assert float(spectra[bond].sum()) == pytest.approx(1, abs=1e-5)


def test_rows_wider_than_their_sites_are_refused():
    with pytest.raises(ValueError, match="rows of 25 columns"):
        schmidt_values(torch.zeros(1, 25), (4, 3, 2))


def test_one_site_has_no_bond_to_measure():
    with pytest.raises(FactorError, match="no bond"):
        bond_entropies([torch.zeros(2, 7)], (7,))


def test_a_row_that_is_not_finite_is_named():
    rows = torch.ones(9, 6)
    rows[7, 2] = torch.nan
    with pytest.raises(FactorError, match="row 7"):
        bond_entropies(torch.split(rows, 4), (3, 2))
