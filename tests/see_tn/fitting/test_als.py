from itertools import pairwise

import numpy as np
import pytest
import torch

from see_tn.chain.initialise import random_cores
from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.fitting.als import FitOptions, fit_als
from see_tn.fitting.normal import SiteProblem, Target, chunked, conjugate_gradient
from see_tn.fitting.quality import measure
from see_tn.layer.embedding import EntangledEmbedding
from tests.see_tn.examples import SHAPES, dense_row, seeded, shape_name, some_rows

FULL = [shape for shape in SHAPES if shape.full_width == shape.width and shape.order > 1 and not shape.shared]
CPU = torch.device("cpu")


def site_problem(rows, shape, site):
    return SiteProblem(shape, site, rows.n_units[site], chunked(rows, CPU))


def plain(table):
    return Target(table, torch.zeros(table.shape[1], dtype=table.dtype))


def design_matrix(shape, rows, cores, site):
    """Every row as a linear function of one site's cores, column by column, by the slow formula."""
    index, amplitude = torch.from_numpy(rows.index), torch.from_numpy(rows.amplitude)
    columns = []
    for place in range(cores[site].numel()):
        one = torch.zeros(cores[site].numel(), dtype=torch.float64)
        one[place] = 1
        changed = [*cores[:site], one.reshape(cores[site].shape), *cores[site + 1 :]]
        columns.append(
            torch.stack([dense_row(shape, changed, i, a) for i, a in zip(index, amplitude, strict=True)]).flatten()
        )
    return torch.stack(columns, dim=1)


def problem(shape, most_terms, n_units=3):
    rows = some_rows(n_pieces=60, order=shape.order, most_terms=most_terms, n_units=n_units, tables=shape.tables)
    cores = random_cores(shape, rows.n_units, 1.0, seeded(), torch.float64)
    target = torch.randn(60, shape.width, generator=seeded(1), dtype=torch.float64)
    # The amplitudes of the index are float32; the slow formula and the fast one then read the same numbers.
    return rows, cores, target


def least_residual(shape, rows, cores, site, target):
    matrix = design_matrix(shape, rows, cores, site)
    solution = torch.linalg.lstsq(matrix, target.flatten()[:, None], driver="gelsd").solution[:, 0]
    return float((matrix @ solution - target.flatten()).norm()), matrix


@pytest.mark.parametrize("shape", FULL, ids=shape_name)
def test_with_one_term_one_step_is_exact(shape):
    rows, cores, target = problem(shape, most_terms=1)
    for site in range(shape.order):
        least, matrix = least_residual(shape, rows, cores, site, target)
        got = site_problem(rows, shape, site).solve(cores, plain(target), steps=1, ridge=0)
        assert float((matrix @ got.flatten() - target.flatten()).norm()) == pytest.approx(least, rel=1e-5)


@pytest.mark.parametrize("shape", FULL, ids=shape_name)
def test_with_several_terms_more_steps_reach_the_least_squares(shape):
    rows, cores, target = problem(shape, most_terms=3)
    for site in range(shape.order):
        least, matrix = least_residual(shape, rows, cores, site, target)
        residuals = []
        for steps in (1, 2, 4, 200):
            got = site_problem(rows, shape, site).solve(cores, plain(target), steps=steps, ridge=0)
            residuals.append(float((matrix @ got.flatten() - target.flatten()).norm()))
        assert residuals == sorted(residuals, reverse=True)
        assert residuals[-1] == pytest.approx(least, rel=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=shape_name)
@pytest.mark.parametrize("most_terms", [1, 3])
def test_the_error_never_rises(shape, most_terms):
    rows = some_rows(n_pieces=60, order=shape.order, most_terms=most_terms, tables=shape.tables)
    teacher = torch.randn(60, shape.width, generator=seeded(1))
    report = fit_als(rows, teacher, shape, generator=seeded(), options=FitOptions(sweeps=15, tolerance=0)).report
    errors = [sweep.quality.relative_error for sweep in report.sweeps]
    assert len(errors) > 1
    assert all(after <= before + 1e-6 for before, after in pairwise(errors))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if shape.order in (2, 3)], ids=shape_name)
@pytest.mark.parametrize("most_terms", [1, 2])
def test_rows_of_the_same_form_are_recovered(shape, most_terms):
    # Each row comes with its negative, so that the mean of the rows is the offset that they were made with.
    half = some_rows(n_pieces=300, order=shape.order, most_terms=most_terms, n_units=8, tables=shape.tables)
    both = np.concatenate([half.index, half.index]), np.concatenate([half.amplitude, -half.amplitude])
    rows = RowIndex(*both, half.n_units, half.tables)
    cores = random_cores(shape, rows.n_units, 1.0, seeded(5))
    offset = torch.randn(shape.width, generator=seeded(6))
    teacher = EntangledEmbedding.from_cores(rows, shape, cores, offset).materialise().detach()
    options = FitOptions(sweeps=100, tolerance=1e-7, steps=20)
    # A start may end in a local minimum; one of three does not, or one of eight where sites share their cores.
    starts = range(8 if shape.shared else 3)
    fits = [fit_als(rows, teacher, shape, generator=seeded(seed), options=options) for seed in starts]
    best = min(fits, key=lambda fit: fit.report.quality.relative_error)
    assert best.report.quality.relative_error < 0.01
    torch.testing.assert_close(best.offset, offset, rtol=1e-4, atol=1e-4)


def test_the_fit_loads_into_a_layer_with_the_reported_error():
    rows, shape = some_rows(n_pieces=60), SHAPES[4]
    teacher = torch.randn(60, shape.width, generator=seeded(1)) + 3
    fit = fit_als(rows, teacher, shape, generator=seeded())
    table = EntangledEmbedding.from_cores(rows, shape, fit.cores, fit.offset).materialise()
    assert measure(teacher, table.detach()).relative_error == pytest.approx(fit.report.quality.relative_error, abs=1e-6)
    torch.testing.assert_close(fit.offset, teacher.mean(dim=0))


def test_a_seed_means_one_fit():
    rows, shape = some_rows(n_pieces=60), SHAPES[5]
    teacher = torch.randn(60, shape.width, generator=seeded(1))
    fits = [fit_als(rows, teacher, shape, generator=seeded(3)) for _ in range(2)]
    for one, other in zip(fits[0].cores, fits[1].cores, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("shape", FULL, ids=shape_name)
def test_a_weight_counts_like_as_many_copies_of_a_piece(shape):
    rows, cores, target = problem(shape, most_terms=1)
    copies = np.arange(60) % 4 + 1
    repeated = RowIndex(rows.index.repeat(copies, axis=0), rows.amplitude.repeat(copies, axis=0), rows.n_units)
    weights = torch.from_numpy(copies).double()
    for site in range(shape.order):
        weighted = SiteProblem(shape, site, rows.n_units[site], chunked(rows, CPU, weights))
        one = weighted.solve(cores, plain(target), steps=1, ridge=0)
        more = plain(target.repeat_interleave(torch.from_numpy(copies), dim=0))
        other = site_problem(repeated, shape, site).solve(cores, more, steps=1, ridge=0)
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def test_weighted_figures_are_those_of_as_many_copies():
    teacher, fitted = torch.randn(5, 3, generator=seeded()), torch.randn(5, 3, generator=seeded(1))
    copies = torch.tensor([1, 2, 3, 1, 2])
    weighted = measure(teacher, fitted, copies)
    repeated = measure(teacher.repeat_interleave(copies, dim=0), fitted.repeat_interleave(copies, dim=0))
    assert weighted.relative_error == pytest.approx(repeated.relative_error)
    assert weighted.mean_cosine == pytest.approx(repeated.mean_cosine)


@pytest.mark.parametrize("wrong", [torch.zeros(20), torch.ones(19), torch.full((20,), torch.nan)])
def test_weights_that_do_not_do_are_refused(wrong):
    with pytest.raises(FactorError, match="give one positive number for each of 20 pieces"):
        fit_als(some_rows(), torch.zeros(20, 23), SHAPES[4], weights=wrong)


def test_blocks_that_are_not_kept_change_nothing(monkeypatch):
    rows, cores, target = problem(SHAPES[4], most_terms=3)
    kept = site_problem(rows, SHAPES[4], 1).solve(cores, plain(target), steps=3, ridge=1e-6)
    monkeypatch.setattr("see_tn.fitting.normal.KEPT_BYTES", 0)
    assert torch.equal(kept, site_problem(rows, SHAPES[4], 1).solve(cores, plain(target), steps=3, ridge=1e-6))


def test_units_with_fewer_pieces_than_channels_are_no_trouble():
    shape = ChainShape("cp", 12, (4, 3), 20)
    rows = RowIndex.from_unit_rows(np.arange(5), np.ones(5, np.float32), np.arange(10).reshape(5, 2))
    teacher = torch.randn(5, 12, generator=seeded())
    assert fit_als(rows, teacher, shape, generator=seeded(1)).report.quality.relative_error < 1e-3


def test_a_teacher_without_variance_is_all_offset():
    rows = some_rows()
    fit = fit_als(rows, torch.ones(20, 23), SHAPES[4], generator=seeded())
    assert fit.report.quality.relative_error < 1e-3
    torch.testing.assert_close(fit.offset, torch.ones(23))


def test_progress_and_seconds_come_from_what_is_given():
    ticks, seen = iter(range(100)), []
    rows, teacher = some_rows(), torch.randn(20, 23, generator=seeded())
    options = FitOptions(sweeps=2, tolerance=0)
    fit = fit_als(
        rows, teacher, SHAPES[4], generator=seeded(), options=options, progress=seen.append, clock=lambda: next(ticks)
    )
    assert tuple(seen) == fit.report.sweeps
    assert [sweep.number for sweep in seen] == [0, 1, 2]
    assert [sweep.seconds for sweep in seen] == [1, 2, 3]
    assert fit.report.stopped_because == "all 2 sweeps are done"
    assert fit.report.seconds == 3


def test_a_fit_ends_when_a_sweep_gains_little():
    rows, teacher = some_rows(), torch.randn(20, 23, generator=seeded())
    report = fit_als(
        rows, teacher, SHAPES[4], generator=seeded(), options=FitOptions(sweeps=500, tolerance=0.01)
    ).report
    assert len(report.sweeps) < 100
    assert "below the tolerance of 1.0e-02" in report.stopped_because


@pytest.mark.parametrize(
    ("teacher", "order", "problem"),
    [
        (torch.zeros(19, 23), 3, r"the teacher is \(19, 23\), the rows and the shape ask for \(20, 23\)"),
        (torch.zeros(20, 24), 3, "give the table of the tokenizer"),
        (torch.zeros(20, 23).index_fill(0, torch.tensor(7), torch.nan), 3, "the row of piece 7 holds a number"),
        (torch.zeros(20, 23), 2, "rows of 2 sites and a shape of 3"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused(teacher, order, problem):
    with pytest.raises(FactorError, match=problem):
        fit_als(some_rows(order=order), teacher, SHAPES[4])


@pytest.mark.parametrize("wrong", [{"sweeps": 0}, {"steps": 0}, {"tolerance": -1.0}, {"ridge": -1.0}])
def test_options_are_checked_where_they_are_born(wrong):
    with pytest.raises(FactorError, match="at least"):
        FitOptions(**wrong)


def test_conjugate_gradients_end_at_the_solution_of_a_positive_system():
    matrix = torch.randn(6, 6, generator=seeded(), dtype=torch.float64)
    matrix = matrix @ matrix.T + torch.eye(6, dtype=torch.float64)
    right = torch.randn(6, generator=seeded(1), dtype=torch.float64)
    solution = conjugate_gradient(lambda x: matrix @ x, right, lambda r: r / matrix.diagonal(), 50)
    torch.testing.assert_close(solution, torch.linalg.solve(matrix, right), rtol=1e-4, atol=1e-5)
    assert not conjugate_gradient(lambda x: matrix @ x, torch.zeros_like(right), lambda r: r, 5).any()


def test_more_channels_than_a_table_can_use_are_no_error():
    rows = some_rows(n_pieces=12, order=2, most_terms=2, n_units=8)
    teacher = torch.randn(12, 16, generator=torch.Generator().manual_seed(0))
    fit = fit_als(rows, teacher, ChainShape("cp", 16, (4, 4), 200), options=FitOptions(sweeps=5))
    errors = [sweep.quality.relative_error for sweep in fit.report.sweeps]
    assert all(after <= before + 1e-6 for before, after in pairwise(errors))
    assert errors[-1] < 0.2
