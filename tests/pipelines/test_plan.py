"""What a ratio buys: plans that keep to it, and commands that can be run as they are printed."""

import json
import shlex

import numpy as np
import pytest

from pipelines.factor_inputs import read_rows
from pipelines.plan import make_plan
from see_tn.planning.budget import Budget
from tests.pipelines.command import assert_one_line, see


@pytest.mark.parametrize("by", ["bytes", "parameters"])
def test_the_recommended_one_comes_first_and_all_keep_to_the_ratio(by):
    plan = make_plan(32_000, 512, Budget(20, by, "int8"))
    for alternative in plan.alternatives:
        ratio = alternative.as_dict()["ratio" if by == "bytes" else "parameter_ratio"]
        assert ratio >= 20
    assert any(alternative.code_share == 1 for alternative in plan.alternatives) == (by == "bytes")
    assert plan.alternatives[0].spec.product.shape.order == 2


@pytest.mark.parametrize(("width", "ratio"), [(64, 4), (512, 40)])
def test_the_advice_can_be_followed(tmp_path, width, ratio):
    process = see("plan", "--pieces", 6000, "--width", width, "--ratio", ratio, "--by", "parameters", "--json")
    advice = json.loads(process.stdout)["advice"].splitlines()
    build, init = (shlex.split(line)[1:] for line in advice)
    build[build.index("--tokenizer") : build.index("--tokenizer") + 2] = []
    build[build.index("TABLES")] = init[init.index("TABLES")] = str(tmp_path / "tables")
    assert see(*build).returncode == 0
    made = json.loads(see(*init, "--out", tmp_path / "factors", "--json").stdout)
    assert made["parameter_ratio"] >= ratio
    rows = read_rows(tmp_path / "tables")
    assert rows.order == int(build[build.index("--order") + 1])
    assert max(rows.n_units) <= int(build[build.index("--units") + 1])


@pytest.mark.parametrize(("n_pieces", "ratio", "shared"), [(100, 30, True), (30_000, 9_000, False)])
def test_advice_tells_all_pieces_apart_and_names_one_table_for_all_sites(n_pieces, ratio, shared):
    plan = make_plan(n_pieces, 64, Budget(ratio, "parameters", "int8"))
    for alternative in plan.alternatives:
        product = alternative.spec.product
        units = max(product.n_units) // (product.shape.order if product.shape.shared else 1)
        assert units**product.shape.order >= n_pieces
    assert (" --shared " in plan.advice) == shared == plan.alternatives[0].spec.product.shape.shared


def test_the_advice_with_sense_terms_tells_of_their_sememes():
    assert "sememes" in make_plan(6000, 512, Budget(20, "parameters"), 2).advice.splitlines()[0]
    assert "sememes" not in make_plan(6000, 512, Budget(20, "parameters")).advice


def test_a_teacher_is_measured(small_tables, tmp_path):
    n = read_rows(small_tables).n_pieces
    np.save(tmp_path / "teacher.npy", np.random.default_rng(0).standard_normal((n, 24)).astype(np.float32))
    options = ["--tables", small_tables, "--teacher", tmp_path / "teacher.npy", "--ratio", "1.05"]
    plan = json.loads(see("plan", *options, "--json").stdout)
    errors = [alternative["relative_error"] for alternative in plan["alternatives"]]
    assert errors == sorted(errors)
    assert "see init" in plan["advice"]
    assert "Next:" in see("plan", *options).stdout


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "--pieces"),
        (["--pieces", "100"], "--width"),
        (["--pieces", "100", "--width", "8", "--ratio", "50"], "ratio"),
        (["--pieces", "100", "--width", "8", "--ratio", "-1"], "ratio"),
        (["--pieces", "100", "--width", "8", "--teacher", "x.npy"], "--tables"),
        (["--pieces", "100", "--width", "8", "--ratio", "1e-6"], "ratio"),
        (["--pieces", "100", "--width", "8", "--seed", "1"], "--seed"),
        (["--tables", "t", "--teacher", "x.npy", "--seed", "9999999999"], "seed"),
        (["--tables", "t", "--teacher", "x.npy", "--terms", "2"], "--terms"),
    ],
)
def test_options_that_lead_nowhere_are_named(options, problem):
    assert_one_line(see("plan", *options), problem)
