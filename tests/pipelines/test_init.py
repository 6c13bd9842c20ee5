"""Factors from tables: sizes that are kept, reports that are true, and what is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from pipelines.build import build_tables
from pipelines.factor_inputs import read_rows, read_teacher, read_text_vectors, read_weights
from pipelines.init import InitOptions, init_fitted, init_random
from see_kb.errors import FormatError, SeeError
from see_kb.tables.store import read_table
from see_tn.errors import FactorError
from see_tn.fitting.als import FitOptions
from see_tn.layer.checkpoint import load_embedding
from tests.pipelines.command import assert_one_line, see
from tests.small_data import NORMAL, PIECES, sentencepiece_model, small_inputs

WIDTH = 24
QUICK = FitOptions(sweeps=3)


@pytest.fixture(scope="module")
def teacher(small_tables):
    rng = np.random.default_rng(0)
    return rng.standard_normal((read_rows(small_tables).n_pieces, WIDTH)).astype(np.float32)


def stored(folder):
    return sum(path.stat().st_size for path in folder.iterdir() if path.name != "report.json")


def test_the_error_and_the_bytes_of_the_report_are_those_of_what_was_saved(small_tables, teacher, tmp_path):
    options = InitOptions(ratio=1.1, storage="float16", terms="products", fit=QUICK)
    report = init_fitted(small_tables, tmp_path / "out", teacher, options)
    layer = load_embedding(tmp_path / "out")
    assert layer.cores[0].dtype == torch.float16
    table = layer.float().materialise().detach().numpy()
    error = np.linalg.norm(table - teacher) / np.linalg.norm(teacher)
    assert report.made.relative_error == pytest.approx(error, rel=1e-3)
    assert report.made.bytes == stored(tmp_path / "out")
    assert report.made.bytes <= report.budget_bytes == int(teacher.size * 4 / 1.1)
    assert report.spec.parameters == sum(parameter.numel() for parameter in layer.parameters())
    saved = json.loads((tmp_path / "out" / "report.json").read_text())
    assert saved["made"]["relative_error"] == report.made.relative_error


def test_other_methods_keep_to_the_same_bytes_or_say_that_they_do_not(small_tables, teacher, tmp_path):
    report = init_fitted(small_tables, tmp_path / "out", teacher, InitOptions(ratio=1.1, fit=QUICK))
    assert len(report.baselines) >= 7
    for method in report.baselines:
        assert (method.bytes <= report.budget_bytes) != ("does not fit" in method.note)


def test_a_ratio_by_parameters_counts_numbers_only(small_tables, teacher, tmp_path):
    report = init_fitted(small_tables, tmp_path / "out", teacher, InitOptions(ratio=1.2, by="parameters", fit=QUICK))
    assert report.parameter_ratio == pytest.approx(teacher.size / report.spec.parameters)
    assert report.parameter_ratio >= 1.2


def test_equal_seeds_give_equal_files_and_other_seeds_other_ones(small_tables, tmp_path):
    options = [InitOptions(ratio=1.1, storage="bfloat16", seed=seed) for seed in (1, 1, 2)]
    for number, option in enumerate(options):
        init_random(small_tables, tmp_path / str(number), WIDTH, option)
    one, same, other = ((tmp_path / str(number) / "factors.safetensors").read_bytes() for number in range(3))
    assert one == same != other


def test_random_rows_have_the_promised_standard_deviation(small_tables, tmp_path):
    stds = []
    for seed in range(20):
        options = InitOptions(ratio=0.2, storage="bfloat16", seed=seed, row_std=0.5)
        init_random(small_tables, tmp_path / str(seed), WIDTH, options)
        stds.append(load_embedding(tmp_path / str(seed)).materialise().std().item())
    assert np.mean(stds) == pytest.approx(0.5, rel=0.1)


def test_a_teacher_of_another_vocabulary_is_refused(small_tables, teacher, tmp_path):
    with pytest.raises(FactorError, match="tokenizer"):
        init_fitted(small_tables, tmp_path / "out", teacher[1:], InitOptions(ratio=1.1, fit=QUICK))
    assert not (tmp_path / "out").exists()


def test_teachers_are_read_from_npy_and_safetensors(teacher, tmp_path):
    np.save(tmp_path / "half.npy", teacher.astype(np.float16))
    assert np.allclose(read_teacher(tmp_path / "half.npy"), teacher, atol=2e-3)
    with pytest.raises(SeeError, match="without a name; leave out --tensor"):
        read_teacher(tmp_path / "half.npy", "only")
    one = {"only": torch.from_numpy(teacher).bfloat16()}
    save_file(one, tmp_path / "one.safetensors")
    assert np.allclose(read_teacher(tmp_path / "one.safetensors"), teacher, atol=2e-2)
    save_file(one | {"other": torch.zeros(3)}, tmp_path / "two.safetensors")
    assert read_teacher(tmp_path / "two.safetensors", "only").shape == teacher.shape
    with pytest.raises(SeeError, match="only, other"):
        read_teacher(tmp_path / "two.safetensors")


class Code:
    def __reduce__(self):
        return (open, ("was_run", "w"))


@pytest.mark.parametrize("name", ["table.npy", "table.safetensors"])
@pytest.mark.parametrize("content", ["empty", "junk", "pickle", "text", "vector", "cut off", "zip"])
def test_what_is_no_table_is_refused_in_one_line(small_tables, teacher, tmp_path, monkeypatch, name, content):
    file = tmp_path / name
    monkeypatch.chdir(tmp_path)
    if content == "pickle":
        np.save(tmp_path / "table.npy", np.array([Code()], dtype=object), allow_pickle=True)
        (tmp_path / "table.npy").rename(file)
    elif content == "vector":
        np.save(tmp_path / "table.npy", teacher[0])
        (tmp_path / "table.npy").rename(file)
    elif content == "cut off":
        np.save(tmp_path / "table.npy", teacher)
        file.write_bytes((tmp_path / "table.npy").read_bytes()[:500])
    else:
        file.write_bytes({"empty": b"", "junk": bytes(range(256)), "text": b"0.1\n", "zip": b"PK\x03\x04"}[content])
    process = see("init", small_tables, "--teacher", file, "--out", tmp_path / "out")
    assert_one_line(process, file)
    assert not (tmp_path / "was_run").exists()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "--width"),
        (["--width", "64", "--ratio", "100000"], "ratio"),
        (["--width", "64", "--ratio", "-1"], "ratio"),
        (["--width", "64", "--ratio", "0.0001"], "ratio"),
        (["--width", "64", "--seed", "99999999999"], "seed"),
        (["--width", "64", "--ratio", "nan"], "ratio"),
        (["--teacher", "missing.npy"], "missing.npy"),
        (["--width", "64", "--row-std", "-1"], "row_std"),
        (["--width", "64", "--plot", "x.png"], "--teacher"),
        (["--width", "64", "--to-train"], "--teacher"),
        (["--width", "64", "--terms", "codes"], "teacher"),
        (["--teacher", "missing.npy", "--plot", "x.bmp"], "x.bmp"),
        (["--teacher", "missing.npy", "--text", "missing.txt"], "one of them"),
        (["--width", "64", "--text", "missing.txt"], "missing.txt"),
        (["--text", "missing.txt"], "--width"),
    ],
)
def test_options_that_lead_nowhere_are_named(small_tables, tmp_path, options, problem):
    process = see("init", small_tables, *options, "--out", tmp_path / "out")
    assert_one_line(process, problem)
    assert not (tmp_path / "out").exists()


def test_init_says_what_it_made_and_where(small_tables, teacher, tmp_path):
    np.save(tmp_path / "teacher.npy", teacher)
    options = ["--teacher", tmp_path / "teacher.npy", "--ratio", "1.1", "--sweeps", "2", "--out", tmp_path / "out"]
    process = see("init", small_tables, *options)
    assert process.returncode == 0
    for text in (
        "in parameters",
        "in bytes",
        "relative error",
        "product quantisation",
        "SVD",
        "int2",
        "load_embedding",
    ):
        assert text in process.stdout
    picture = tmp_path / "methods.png"
    again = see("init", small_tables, *options, "--overwrite", "--json", "--plot", picture)
    assert json.loads(again.stdout)["made"]["bytes"] > 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_factors_without_a_teacher_are_fitted_to_a_text(small_tables, tmp_path):
    rng = np.random.default_rng(0)
    animals, places = ["man", "dogs"], ["火车", "医生"]
    lines = [" ".join(rng.choice(animals if number % 2 else places, 4)) for number in range(300)]
    (tmp_path / "text.txt").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    options = ["--width", "24", "--text", tmp_path / "text.txt", "--ratio", "2", "--terms", "codes", "--json"]
    process = see("init", small_tables, *options, "--row-std", "0.1", "--out", tmp_path / "out")
    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["options"]["purpose"] == "start"
    table = load_embedding(tmp_path / "out").materialise().detach()
    assert float(table.std()) == pytest.approx(0.1, rel=0.2)
    vectors = read_text_vectors(small_tables, tmp_path / "text.txt", 24, 0)
    assert float(torch.nn.functional.cosine_similarity(table, torch.from_numpy(vectors)).mean()) > 0.7


def test_a_text_that_tells_nothing_is_refused(small_tables, tmp_path):
    (tmp_path / "text.txt").write_text("\n", encoding="utf-8")
    options = ["--width", "24", "--text", tmp_path / "text.txt", "--out", tmp_path / "out"]
    assert_one_line(see("init", small_tables, *options), "text.txt: no two pieces", "give more text")


def test_a_width_that_is_too_large_for_a_text_is_named_and_not_the_text(small_tables, tmp_path):
    options = ["--width", "3000", "--text", tmp_path / "text.txt", "--out", tmp_path / "out"]
    process = see("init", small_tables, *options)
    assert_one_line(process, "a width of 3000 for", "fewer columns than pieces; give a smaller width")
    assert "text.txt" not in process.stderr


def test_an_older_folder_is_refused_before_vectors_of_a_text_are_made(small_tables, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine", encoding="utf-8")
    options = ["--width", "24", "--text", tmp_path / "missing.txt", "--out", tmp_path / "out"]
    assert_one_line(see("init", small_tables, *options), tmp_path / "out", "exists already")
    assert_one_line(see("init", small_tables, *options, "--overwrite"), "thesis.txt")


def test_another_tokenizer_in_the_place_of_the_copy_is_noticed(small_tables, tmp_path):
    folder = shutil.copytree(small_tables, tmp_path / "tables")
    (copy,) = folder.glob("tokenizer*")
    copy.write_bytes(sentencepiece_model([*(piece[:2] for piece in PIECES), ("new", NORMAL)]))
    (tmp_path / "text.txt").write_text("man dogs\n" * 10, encoding="utf-8")
    with pytest.raises(FormatError, match="not the tokenizer that these tables were built from"):
        read_text_vectors(folder, tmp_path / "text.txt", 4, 0)


def test_weights_by_frequency_need_frequencies(small_tables, teacher, tmp_path):
    np.save(tmp_path / "teacher.npy", teacher)
    options = ["--teacher", tmp_path / "teacher.npy", "--ratio", "1.1", "--frequency-power", "0.5"]
    assert_one_line(see("init", small_tables, *options, "--out", tmp_path / "out"), "--frequency")


@pytest.mark.parametrize("total", [1.0, 9.0, 1e6])
def test_the_weights_are_powers_of_the_frequencies_whether_shares_or_counts(tmp_path, total):
    words = tmp_path / "words.tsv"
    words.write_text(f"man\t{total * 8 / 9}\ndoctor\t{total / 9}\n", encoding="utf-8")
    tables = build_tables(replace(small_inputs(tmp_path), frequency=words), tmp_path / "tables").folder
    frequencies = read_table(tables, "frequencies").to_pandas().sort_values("piece_id")["frequency"]
    weights = read_weights(tables, 1.0)
    assert [float(weights.min()), float(weights.max())] == pytest.approx([1, 9])
    least = frequencies[frequencies > 0].min()
    assert np.allclose(read_weights(tables, 0.5) ** 2, frequencies / least + 1)


def test_older_factors_are_replaced_only_where_that_is_allowed(small_tables, tmp_path):
    options = ["--width", "24", "--ratio", "1.1", "--out", tmp_path / "out"]
    assert see("init", small_tables, *options).returncode == 0
    before = (tmp_path / "out" / "factors.safetensors").read_bytes()
    assert_one_line(see("init", small_tables, *options, "--seed", "1"), tmp_path / "out", "--overwrite")
    assert (tmp_path / "out" / "factors.safetensors").read_bytes() == before
    assert see("init", small_tables, *options, "--seed", "1", "--overwrite").returncode == 0
    assert (tmp_path / "out" / "factors.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--width", "24", "--frequency-power", ".5"], "--frequency-power"),
        (["--width", "24", "--sweeps", "3"], "--sweeps"),
        (["--width", "24", "--to-train"], "--to-train"),
        (["--width", "24", "--tensor", "x"], "--tensor"),
        (["--teacher", "t.npy", "--row-std", "7"], "--row-std"),
        (["--teacher", "t.npy", "--terms", "codes", "--form", "mps"], "--form"),
        (["--teacher", "t.npy", "--terms", "codes", "--shared"], "--shared"),
        (["--width", "24", "--ratio", "1.1", "--row-std", "1e30", "--dtype", "float16"], "row_std"),
    ],
)
def test_options_that_would_do_nothing_or_no_good_are_named(small_tables, tmp_path, options, problem):
    assert_one_line(see("init", small_tables, *options, "--out", tmp_path / "out"), problem)
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_no_fits_state_is_left_alone(small_tables, teacher, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    options = InitOptions(ratio=2, terms="codes")
    report = init_fitted(small_tables, tmp_path / "out", teacher, options, resume=tmp_path / "notes.txt")
    assert report.fit is None
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_missing_extra_is_named(small_tables, tmp_path):
    without = "import sys; sys.modules['matplotlib'] = None"
    options = ["--teacher", "t.npy", "--plot", tmp_path / "x.png", "--out", tmp_path / "out"]
    assert_one_line(see("init", small_tables, *options, before=without), "see-embeddings[plots]")
