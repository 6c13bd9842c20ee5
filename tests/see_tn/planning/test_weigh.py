import math
from dataclasses import replace

import pytest
import torch

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.fitting.layer import fit_layer
from see_tn.fitting.quality import measure
from see_tn.layer.codes import CodeShape
from see_tn.planning.budget import Budget
from see_tn.planning.codes import WORTH_STARTING, WORTH_TRAINING, best_codes, code_shapes, coded_spec
from see_tn.planning.weigh import weigh
from tests.see_tn.examples import seeded, some_rows

ROWS = some_rows(n_pieces=5_000, n_units=300, most_terms=1, order=2)
SHAPE = ChainShape("cp", 48, (8, 6), 1)
BUDGET = Budget(8, "bytes", "int8")


@pytest.fixture(scope="module")
def teacher():
    table = torch.randn(5_000, 10, generator=seeded(1)) @ torch.randn(10, 48, generator=seeded(2))
    return table + 0.3 * torch.randn(5_000, 48, generator=seeded(3))


@pytest.fixture(scope="module")
def alternatives(teacher):
    return weigh(ROWS, SHAPE, teacher, BUDGET)


def test_all_alternatives_keep_to_the_budget_and_the_best_comes_first(alternatives):
    errors = [alternative.relative_error for alternative in alternatives]
    assert errors == sorted(errors)
    assert all(BUDGET.fits(alternative.spec, alternative.index_bytes) for alternative in alternatives)
    assert min(alternative.code_share for alternative in alternatives) == 0
    assert max(alternative.code_share for alternative in alternatives) == 1
    assert any(0 < alternative.code_share < 1 for alternative in alternatives)


def test_the_error_that_was_measured_quickly_is_about_that_of_the_whole_fit(alternatives, teacher):
    for alternative in alternatives:
        full = fit_layer(alternative.spec, ROWS, teacher).quality.relative_error
        assert full == pytest.approx(alternative.relative_error, rel=0.15)


def test_errors_are_weighed_as_the_fit_weighs_them(teacher):
    """Where 250 rows hold all the weight, the error is theirs alone: smaller than that of codes for every row."""
    weights = torch.full((5_000,), 1e-6)
    weights[:250] = 1.0
    weighed, plain = (weigh(ROWS, SHAPE, teacher, BUDGET, kinds=["codes"], weights=w)[0] for w in (weights, None))
    layer = fit_layer(weighed.spec, None, teacher, weights=weights).layer
    error = measure(teacher, layer.materialise(), weights).relative_error
    assert error == pytest.approx(weighed.relative_error, rel=0.15)
    assert weighed.relative_error < 0.9 * plain.relative_error


def test_a_bound_on_parameters_holds_beside_the_one_on_bytes(teacher):
    most = 1_000
    bounded = weigh(ROWS, SHAPE, teacher, replace(BUDGET, most_parameters=most))
    assert all(alternative.spec.parameters <= most for alternative in bounded)
    free = weigh(ROWS, SHAPE, teacher, BUDGET)[0]
    assert free.spec.parameters > most
    assert free.relative_error < bounded[0].relative_error


def test_before_training_codes_without_a_basis_win_with_a_little_more_error():
    """Rows alike in all directions lose little without a basis; in a subspace they lose much, trained or not."""
    alike = torch.randn(5_000, 48, generator=seeded(1)) * torch.linspace(1.25, 0.75, 48)
    as_it_is, to_train = (weigh(ROWS, SHAPE, alike, BUDGET, kinds=["codes"], purpose=p)[0] for p in ("use", "train"))
    assert as_it_is.spec.codes.blocks
    assert not to_train.spec.codes.blocks
    assert as_it_is.relative_error < to_train.relative_error < WORTH_TRAINING * as_it_is.relative_error


def test_before_training_a_subspace_still_takes_its_basis(teacher):
    assert weigh(ROWS, SHAPE, teacher, BUDGET, kinds=["codes"], purpose="train")[0].spec.codes.blocks


def test_a_model_without_a_teacher_starts_with_the_best_codes_that_have_no_basis(teacher):
    """However much more error they have, as in this subspace."""
    started, used = (weigh(ROWS, SHAPE, teacher, BUDGET, kinds=["codes"], purpose=p)[0] for p in ("start", "use"))
    assert used.spec.codes.blocks
    assert not started.spec.codes.blocks
    assert started.relative_error > WORTH_TRAINING * used.relative_error
    shapes = [CodeShape(48, 10, 8, 1, 1), CodeShape(48, 6, 4, 8), CodeShape(48, 16, 8, 3), CodeShape(48, 4, 8, 12)]
    chosen = {p: best_codes(shapes, teacher, int8=True, purpose=p)[0] for p in ("use", "train", "start")}
    assert chosen == {"use": shapes[0], "train": shapes[0], "start": shapes[2]}
    assert best_codes(shapes[:1], teacher, int8=True, purpose="start")[0] == shapes[0]


def test_a_model_without_a_teacher_starts_with_more_codewords_where_they_have_little_more_error(teacher):
    few, near, far = CodeShape(48, 24, 4, 2), CodeShape(48, 8, 8, 6), CodeShape(48, 4, 8, 12)
    errors = {shape: best_codes([shape], teacher, int8=True)[1] ** 0.5 for shape in (few, near, far)}
    assert errors[few] < errors[near] < WORTH_STARTING * errors[few] < errors[far]
    for shapes, purpose, wanted in (
        ([few, near, far], "start", near),
        ([few, far], "start", few),
        ([few, near, far], "train", few),
    ):
        assert best_codes(shapes, teacher, int8=True, purpose=purpose)[0] == wanted


def test_only_the_kinds_asked_for_are_weighed(teacher):
    assert {alternative.code_share for alternative in weigh(ROWS, SHAPE, teacher, BUDGET, kinds=["codes"])} == {1.0}


def test_a_table_that_is_made_of_products_is_fitted_by_products():
    from see_tn.chain.initialise import random_cores
    from see_tn.layer.product import ProductTerms

    cores = random_cores(SHAPE.with_rank(2), ROWS.n_units, 1.0, seeded(5))
    teacher = ProductTerms(ROWS, SHAPE.with_rank(2), cores)(torch.arange(5_000)).detach()
    best = weigh(ROWS, SHAPE, teacher, Budget(20, "bytes", "int8"))[0]
    assert best.spec.product is not None


@pytest.mark.parametrize(
    ("number", "problem"), [(math.nan, "not finite"), (math.inf, "not finite"), (1e25, "too much for float32")]
)
@pytest.mark.parametrize("kind", ["codes", "products"])
def test_numbers_that_cannot_be_fitted_to_are_refused(teacher, kind, number, problem):
    table = teacher.clone()
    table[7, 3] = number
    with pytest.raises(FactorError, match=problem):
        weigh(ROWS, SHAPE, table, BUDGET, kinds=[kind])


def test_codes_are_no_parameters(teacher):
    with pytest.raises(FactorError, match="weigh a budget of bytes"):
        weigh(ROWS, SHAPE, teacher, Budget(8, "parameters"))


def test_a_budget_too_small_for_anything_says_so(teacher):
    with pytest.raises(FactorError, match="no codes use most of that"):
        weigh(ROWS, SHAPE, teacher, Budget(2_000))


@pytest.mark.parametrize(("n_pieces", "width"), [(30_522, 384), (32_064, 3_072), (250_000, 1_024)])
@pytest.mark.parametrize("ratio", [10, 20, 40, 80])
def test_code_shapes_fill_the_budget_without_going_beyond(n_pieces, width, ratio):
    budget = Budget(ratio, "bytes", "int8")
    shapes = list(code_shapes(None, n_pieces, width, budget, 0))
    assert any(shape.bits == 8 and shape.blocks for shape in shapes)
    for shape in shapes:
        assert coded_spec(None, n_pieces, shape, budget).stored_bytes(0) <= budget.allowed(n_pieces, width)
