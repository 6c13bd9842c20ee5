from dataclasses import replace

import pytest
import torch

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.fitting.layer import fit_layer, quality_of
from see_tn.fitting.quality import measure
from see_tn.layer.codes import CodeShape
from see_tn.layer.spec import LayerSpec, ProductSpec, spec_of
from tests.see_tn.examples import seeded, some_rows

ROWS = some_rows(n_pieces=400, n_units=60)
TEACHER = torch.randn(400, 24, generator=seeded(1)) + 2
PRODUCT = ProductSpec(ChainShape("cp", 24, (4, 3, 2), 3), ROWS.index.shape[1], ROWS.n_units)
CODES = CodeShape(24, 8, 4, 3, 1)
SPECS = {
    "products": LayerSpec(400, 24, product=PRODUCT, offset=True),
    "products in 8 bits": LayerSpec(400, 24, int8=True, product=PRODUCT, offset=True),
    "codes": LayerSpec(400, 24, codes=CODES, offset=True),
    "both in 8 bits": LayerSpec(400, 24, int8=True, product=PRODUCT, codes=CODES, offset=True),
    "both in 8 bits, rows in bfloat16": LayerSpec(
        400, 24, "bfloat16", int8=True, product=PRODUCT, codes=CODES, offset=True
    ),
    "products without an offset": LayerSpec(400, 24, product=PRODUCT),
    "codes without an offset": LayerSpec(400, 24, codes=CODES),
    "both in bfloat16": LayerSpec(400, 24, "bfloat16", product=PRODUCT, codes=CODES, offset=True, padding_idx=0),
}


@pytest.mark.parametrize("name", SPECS)
def test_the_layer_is_the_one_that_was_planned_and_its_quality_is_that_of_its_rows(name):
    spec = SPECS[name]
    fitted = fit_layer(spec, ROWS, TEACHER)
    assert spec_of(fitted.layer) == spec
    table = fitted.layer.materialise().detach().float()
    assert fitted.quality.relative_error == pytest.approx(measure(TEACHER, table).relative_error, rel=1e-4)
    assert (fitted.report is None) == (spec.product is None)


@pytest.mark.parametrize("name", ["products", "codes"])
def test_without_an_offset_the_mean_is_fitted_too(name):
    errors = [
        fit_layer(SPECS[kind], ROWS, TEACHER).quality.relative_error for kind in (name, f"{name} without an offset")
    ]
    assert errors[1] < 1.5 * errors[0]  # the mean is nine tenths of this table


@pytest.mark.parametrize("wrong", [torch.ones(399), torch.zeros(400), torch.full((400,), torch.nan), -torch.ones(400)])
def test_weights_that_do_not_do_are_refused_for_codes_too(wrong):
    with pytest.raises(FactorError, match="give one positive number for each of 400 pieces"):
        fit_layer(SPECS["codes"], None, TEACHER, weights=wrong)


def test_weights_may_be_counts():
    counts = torch.arange(1, 401)
    one, other = (fit_layer(SPECS["codes"], None, TEACHER, weights=given).layer for given in (counts, counts.float()))
    assert torch.equal(one.materialise(), other.materialise())


def test_codes_lower_what_products_leave():
    errors = [
        fit_layer(SPECS[name], ROWS, TEACHER).quality.relative_error
        for name in ("products in 8 bits", "both in 8 bits")
    ]
    assert errors[1] < 0.8 * errors[0]


def test_a_layer_that_is_its_teacher_has_no_error():
    layer = fit_layer(SPECS["codes"], None, TEACHER).layer
    assert quality_of(layer, layer.materialise().detach()).relative_error < 1e-6


def test_products_without_rows_are_refused():
    with pytest.raises(FactorError, match="needs rows"):
        fit_layer(SPECS["products"], None, TEACHER)


def test_a_teacher_that_does_not_fit_is_refused():
    with pytest.raises(FactorError, match=r"the teacher is \(399, 24\), the layer \(400, 24\)"):
        fit_layer(SPECS["codes"], None, TEACHER[1:])
    with pytest.raises(FactorError, match="the row of piece 3 holds a number"):
        fit_layer(SPECS["codes"], None, TEACHER.index_fill(0, torch.tensor(3), torch.inf))


@pytest.mark.parametrize("name", ["products", "codes", "both in bfloat16"])
def test_numbers_beyond_the_type_of_a_layer_are_refused(name):
    spec = replace(SPECS[name], dtype="float16")
    with pytest.raises(FactorError, match=r"numbers from -[\de+.]+ to [\de+.]+: more than float16 holds"):
        fit_layer(spec, ROWS, 1e5 * TEACHER)
    fit_layer(spec, ROWS, 1e2 * TEACHER)


@pytest.mark.parametrize("name", ["products", "codes"])
def test_numbers_whose_squares_vanish_are_refused(name):
    with pytest.raises(FactorError, match="too little for float32; scale it up"):
        fit_layer(SPECS[name], ROWS, 1e-24 * TEACHER)
    fit_layer(SPECS[name], ROWS, torch.zeros_like(TEACHER))
