"""Entanglement from the command line: figures that agree with the layer's rows, a picture, and what is refused."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from pipelines.build import build_tables
from pipelines.init import InitOptions, init_random
from pipelines.spectrum import measure_spectrum
from see_kb.tables.store import read_table
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.checkpoint import load_embedding, save_embedding
from see_tn.spectrum.schmidt import effective_rank, entropy, schmidt_values
from tests.pipelines.command import assert_one_line, see
from tests.see_tn.examples import some_layer
from tests.small_data import small_inputs


@pytest.fixture(scope="module")
def factors(small_tables, tmp_path_factory):
    out = tmp_path_factory.mktemp("spectrum") / "factors"
    init_random(small_tables, out, 24, InitOptions(ratio=1.1, storage="bfloat16"))
    return out


def test_figures_are_those_of_the_rows(factors, small_tables):
    spectrum = measure_spectrum(factors, small_tables)
    layer = load_embedding(factors)
    values = schmidt_values(layer.materialise().detach(), spectrum.sites)
    for bond, name in enumerate(spectrum.bonds):
        assert np.allclose(spectrum.pieces[name], entropy(values[bond]), atol=1e-4)
        assert spectrum.pieces[name].max() <= math.log2(values[bond].shape[1])
        assert spectrum.spectra[bond].sum() == pytest.approx(1, abs=1e-4)
    terms = read_table(small_tables, "unit_rows").to_pandas().groupby("piece_id").size()
    assert (spectrum.pieces["senses"] == terms - 1).all()
    assert spectrum.by_senses()["pieces"].sum() == len(spectrum.pieces)


def test_tables_without_frequencies_say_nothing_of_them(factors, small_tables):
    spectrum = measure_spectrum(factors, small_tables)
    assert "frequency" not in spectrum.pieces
    assert "by_frequency" not in spectrum.as_dict()


def test_frequencies_of_the_tables_are_those_of_the_pieces(factors, tmp_path):
    words = tmp_path / "counts.tsv"
    words.write_text("man\t5\ndogs\t3\n", encoding="utf-8")
    tables = build_tables(replace(small_inputs(tmp_path), frequency=words), tmp_path / "tables").folder
    spectrum = measure_spectrum(factors, tables)
    counts = read_table(tables, "frequencies").to_pandas()["frequency"]
    assert spectrum.pieces["frequency"].tolist() == counts.tolist()
    assert counts.max() > 0
    expected = spearmanr(spectrum.pieces["bond_1"], counts).statistic
    assert spectrum.by_bond()["spearman_frequency"][0] == pytest.approx(expected)


def test_what_has_no_correlation_is_null_and_warns_of_nothing(factors, recwarn):
    spectrum = measure_spectrum(factors)
    spectrum.pieces["senses"] = 1
    given = spectrum.as_dict()
    assert {bond["spearman_senses"] for bond in given["bonds"]} == {None}
    assert json.loads(json.dumps(given, allow_nan=False)) == given
    assert not recwarn.list


def test_medians_and_effective_ranks_are_those_of_the_rows(factors):
    spectrum = measure_spectrum(factors)
    values = schmidt_values(load_embedding(factors).materialise().detach(), spectrum.sites)
    given = spectrum.by_bond()
    for bond, found in enumerate(values):
        assert given["median"][bond] == pytest.approx(np.median(entropy(found)), abs=1e-4)
        assert given["effective_rank"][bond] == pytest.approx(float(effective_rank(found).mean()), abs=1e-3)


def test_factors_of_one_site_are_laid_out_over_two(tmp_path):
    save_embedding(some_layer(ChainShape("cp", 7, (7,), 3)), tmp_path / "factors")
    assert measure_spectrum(tmp_path / "factors").bonds == ["bond_1"]


def test_a_dense_table_is_measured_in_the_same_way(factors):
    table = load_embedding(factors).materialise().detach().float().numpy()
    one, other = measure_spectrum(factors), measure_spectrum(table, order=len(measure_spectrum(factors).sites))
    assert one.sites == other.sites
    assert np.allclose(one.pieces, other.pieces, atol=1e-3)


def test_bands_of_frequency_hold_every_piece_once(factors):
    spectrum = measure_spectrum(factors)
    frequency = np.arange(len(spectrum.pieces))[::-1] // 2
    spectrum.pieces["frequency"] = frequency
    bands = spectrum.by_frequency()
    assert bands["pieces"].sum() == len(frequency)
    assert bands.set_index("band").loc["none", "pieces"] == (frequency == 0).sum()


def test_the_command_prints_draws_and_gives_json(factors, small_tables, tmp_path):
    picture = tmp_path / "spectrum.png"
    shown = see("spectrum", factors, "--tables", small_tables, "--plot", picture)
    assert shown.returncode == 0
    assert "bond_2" in shown.stdout
    assert picture.read_bytes().startswith(b"\x89PNG")
    piece = read_table(small_tables, "pieces").column("piece")[5].as_py()
    process = see("spectrum", factors, "--tables", small_tables, "--piece", piece, "--json")
    given = json.loads(process.stdout)
    assert given["pieces"][0]["piece"] == piece
    assert len(given["bonds"]) == len(given["spectra"]) == 2


def test_what_leads_nowhere_is_refused(factors, small_tables, tmp_path):
    assert_one_line(see("spectrum", factors, "--piece", "x"), "--tables")
    assert_one_line(see("spectrum", factors, "--tables", small_tables, "--piece", "no such piece"), "no such piece")
    assert_one_line(see("spectrum", tmp_path / "nowhere"), "nowhere")
    np.save(tmp_path / "other.npy", np.zeros((3, 24), np.float32))
    process = see("spectrum", "--table", tmp_path / "other.npy", "--tables", small_tables)
    assert_one_line(process, "the rows are 3")
    with pytest.raises(FactorError, match="row 0"):
        measure_spectrum(np.full((3, 24), np.nan, np.float32))
