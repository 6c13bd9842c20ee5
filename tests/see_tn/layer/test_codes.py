import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from see_tn.errors import FactorError
from see_tn.layer.codes import CodeShape, CodeTerms, pack_codes, unpack_codes
from tests.see_tn.examples import CODES, seeded, some_codes


@given(st.integers(1, 9), st.sampled_from([4, 8]), st.integers(0, 5))
def test_packing_loses_no_code(parts, bits, n):
    shape = CodeShape(parts, parts, bits, 1)
    codes = torch.randint(0, 2**bits, (n, parts), generator=seeded(), dtype=torch.uint8)
    packed = pack_codes(codes, shape)
    assert packed.shape == (n, shape.code_bytes)
    assert torch.equal(unpack_codes(packed, shape), codes)


@pytest.mark.parametrize("shape", CODES)
def test_a_row_is_its_codewords_turned_by_the_basis(shape):
    terms = some_codes(shape)
    codes = unpack_codes(terms.codes, shape).long()
    codebook = terms.codebook.dense().reshape(shape.codebook_shape)
    rows = []
    for piece in range(20):
        numbers = torch.cat([codebook[part, codes[piece, part]] for part in range(shape.parts)])
        if shape.blocks:
            basis = terms.basis.dense().reshape(shape.basis_shape)
            own = numbers.chunk(shape.blocks)
            numbers = torch.cat([own[block] @ basis[block] for block in range(shape.blocks)])
        rows.append(numbers[: shape.width])
    torch.testing.assert_close(terms(torch.arange(20)), torch.stack(rows))


@pytest.mark.parametrize(
    "sizes",
    [(23, 5, 6, 4, 1), (23, 0, 8, 4, 1), (23, 5, 8, 4, 0), (23, 5, 8, 2, 2), (23, 6, 8, 4, 1), (23, 5, 8, 4, -1)],
)
def test_sizes_that_do_not_fit_each_other_are_refused(sizes):
    with pytest.raises(FactorError):
        CodeShape(*sizes)


def test_tensors_of_other_sizes_are_refused():
    terms, shape = some_codes(CODES[0]), CODES[0]
    codebook, basis = terms.codebook.dense().reshape(shape.codebook_shape), terms.basis.dense()[None]
    with pytest.raises(FactorError, match="not those of"):
        CodeTerms(shape, terms.codes[:, :-1], codebook, basis)
    with pytest.raises(FactorError, match="not those of"):
        CodeTerms(shape, terms.codes, codebook, None)
