"""The forms of the benchmark: what isolates what."""

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array

pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.translation.forms import FORMS, Material, make_layer, owners, spared_bytes
from see_kb.errors import SeeError
from see_kb.vocabulary.piece_vectors import piece_vectors
from see_tn.chain.row_index import RowIndex
from see_tn.layer.checkpoint import stored_bytes
from see_tn.layer.spec import spec_of
from see_tn.planning.budget import Budget
from tests.see_tn.examples import some_rows

N, WIDTH = 40, 16


def some_texts(n=N):
    """Texts of pieces, each piece the more often the larger it is."""
    generator = np.random.default_rng(0)
    return (n * np.sqrt(generator.random((40 * n, 6)))).astype(int).tolist()


def rows_with_owners():
    """Rows of which the first three pieces have units that no other piece has."""
    rows = some_rows(n_pieces=N, most_terms=2)
    index = rows.index.copy()
    for piece in range(3):
        index[piece, : rows.n_terms[piece]] = [n + piece for n in rows.n_units]
    return RowIndex(index, rows.amplitude, tuple(n + 3 for n in rows.n_units))


def with_one_table(rows):
    """The same units, each the same one at all sites."""
    return RowIndex(rows.index, rows.amplitude, (max(rows.n_units),), (0,) * rows.order)


def material_of(rows, morphemes, texts, width, teacher=None, shared=None):
    """What layers are made from, with texts to count and to learn vectors from."""
    n = rows.n_pieces
    counts = torch.from_numpy(np.bincount(np.concatenate(texts), minlength=n))
    no_units = csr_array((n, 0))
    return Material(
        rows,
        with_one_table(shared or rows),
        morphemes,
        counts,
        width,
        lambda seed: piece_vectors(texts, no_units, width, seed),
        teacher,
    )


@pytest.fixture
def material():
    rows = rows_with_owners()
    morphemes = some_rows(n_pieces=N, most_terms=1, tables=(0, 0, 0))
    return material_of(rows, morphemes, some_texts(), WIDTH)


def index_of(layer):
    return layer.rows().index


def test_owners_are_the_pieces_with_units_of_their_own():
    rows = rows_with_owners()
    assert owners(rows)[:3].all()
    for piece in np.flatnonzero(owners(rows)):
        others = np.delete(np.arange(N), piece)
        for site in range(rows.order):
            used = [rows.index[other, : rows.n_terms[other], site] for other in others]
            assert rows.index[piece, 0, site] not in np.concatenate(used)


@pytest.mark.parametrize("form", ["shuffled", "random"])
def test_controls_change_the_units_of_all_but_owners(form, material):
    units, control = (make_layer(name, material, Budget(0.4, "parameters", "float32"), 0) for name in ("units", form))
    kept = owners(material.rows)
    assert np.array_equal(index_of(units)[kept], index_of(control)[kept])
    moved = (index_of(units)[~kept] != index_of(control)[~kept]).any(axis=(1, 2))
    assert moved.mean() > 0.8
    assert units.shape == control.shape
    n_terms = [np.sort(layer.rows().n_terms[~kept]) for layer in (units, control)]
    assert np.array_equal(*n_terms)
    other = make_layer(form, material, Budget(0.4, "parameters", "float32"), 1)
    assert not np.array_equal(index_of(other), index_of(control))


@pytest.mark.parametrize("form", [form for form in FORMS if form not in ("see", "pq")])
def test_every_form_of_products_keeps_to_a_budget_of_parameters_and_uses_most_of_it(form, material):
    layer = make_layer(form, material, Budget(0.4, "parameters", "float32"), 0)
    numbers = sum(parameter.numel() for parameter in layer.parameters())
    assert 0.6 * N * WIDTH / 0.4 < numbers <= N * WIDTH / 0.4
    std = float(layer.materialise().detach().std())
    assert 0.5 * WIDTH**-0.5 < std < 2 * WIDTH**-0.5


def test_units_have_one_core_for_all_sites_where_one_for_each_would_be_too_much(material):
    separate, shared = (make_layer("units", material, Budget(ratio, "parameters", "float32"), 0) for ratio in (5.7, 6))
    assert not separate.shape.shared
    assert shared.shape.shared
    assert np.array_equal(index_of(shared), material.shared_rows.index)
    assert sum(parameter.numel() for parameter in shared.parameters()) <= N * WIDTH / 6


def test_the_site_with_the_fewest_units_gets_the_most_columns():
    """One unit at the first site: its core may be the widest, and more channels fit than in any other order."""
    rows = some_rows(n_pieces=N, most_terms=1)
    index = rows.index.copy()
    index[:, :, 0] = 0
    narrow = RowIndex(index, rows.amplitude, (1, *rows.n_units[1:]))
    material = material_of(narrow, rows, some_texts(), WIDTH, shared=rows)
    layer = make_layer("units", material, Budget(3, "parameters", "float32"), 0)
    assert sum(parameter.numel() for parameter in layer.parameters()) > 0.8 * N * WIDTH / 3


@pytest.mark.parametrize("ratio", [8, 30])
def test_see_by_parameters_takes_no_more_bytes_than_units_would(ratio):
    n, width = 4_000, 32
    rows = some_rows(n_pieces=n, most_terms=1)
    teacher = torch.randn(n, width, generator=torch.Generator().manual_seed(0))
    material = material_of(rows, rows, some_texts(n), width, teacher)
    layer = make_layer("see", material, Budget(ratio, "parameters", "float32"), 0)
    spec = spec_of(layer)
    assert spec.codes is not None
    assert spec.parameters <= n * width / ratio
    index_bytes = 0 if spec.product is None else rows.stored_bytes()
    assert spec.stored_bytes(index_bytes) <= 4 * n * width / ratio + rows.stored_bytes()


@pytest.mark.parametrize("by", ["bytes", "parameters"])
def test_without_a_teacher_see_learns_codes_from_the_text(by):
    n, width, ratio, n_groups = 2_000, 32, 10, 20
    rows = some_rows(n_pieces=n, most_terms=1)
    group = np.random.default_rng(0).permutation(np.arange(n) % n_groups)
    texts = [np.flatnonzero(group == number % n_groups)[text].tolist() for number, text in enumerate(some_texts(100))]
    material = material_of(rows, rows, texts, width)
    layer = make_layer("see", material, Budget(ratio, by, "int8" if by == "bytes" else "float32"), 0)
    assert spec_of(layer).codes is not None
    if by == "bytes":  # by parameters this small table has room for none without
        assert not spec_of(layer).codes.blocks
    table = layer.materialise().detach()
    assert float(table.std()) == pytest.approx(width**-0.5, rel=0.2)
    directions = torch.nn.functional.normalize(table)
    together = torch.from_numpy(group[:, None] == group)
    cosines = directions @ directions.T
    assert cosines[together].mean() > cosines[~together].mean() + 0.3


def test_units_computed_from_the_number_of_a_piece_spare_the_index_and_others_do_not(material):
    budget = Budget(0.4, "parameters", "float32")
    spared = {form: spared_bytes(form, make_layer(form, material, budget, 0)) for form in FORMS if form != "pq"}
    units = 2 * N  # a byte at each of two sites
    kept = 1 + 4  # how many terms all rows have, and their amplitude
    assert {form: size for form, size in spared.items() if size} == dict.fromkeys(
        ("low-rank", "word2ketxs"), units + kept
    )


@pytest.mark.parametrize("form", ["low-rank", "word2ketxs"])
def test_what_a_computed_index_would_take_is_left_to_the_numbers(form):
    n, width = 4_000, 32
    rows = some_rows(n_pieces=n, most_terms=1)
    material = material_of(rows, rows, some_texts(n), width)
    layer = make_layer(form, material, Budget(4, "bytes", "int8"), 0).quantise()
    taken = stored_bytes(layer) - spared_bytes(form, layer)
    assert 0.95 * n * width < taken <= n * width


def test_product_quantisation_needs_a_teacher(material):
    with pytest.raises(SeeError, match="need a teacher"):
        make_layer("pq", material, Budget(2, "bytes", "int8"), 0)
    with pytest.raises(SeeError, match="no such form"):
        make_layer("tt", material, Budget(2, "bytes", "int8"), 0)
