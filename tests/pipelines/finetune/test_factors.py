# ruff: noqa: E402  (what is imported needs the extra that is looked for first)
"""Which factors `see finetune` starts with, and how it keeps them in the end."""

from dataclasses import replace

import pytest

transformers = pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.finetune import run
from pipelines.finetune.models import make_student
from pipelines.finetune.options import StageLength
from pipelines.finetune.run import finetune
from pipelines.init import InitOptions, init_random
from see_kb.vocabulary.piece_vectors import piece_vectors
from see_tn.layer.checkpoint import load_embedding
from see_tn.layer.spec import spec_of
from tests.pipelines.finetune.runs import OPTIONS, inputs, metrics


def test_from_scratch_there_is_no_teacher_and_one_stage(place, tmp_path):
    report = finetune(inputs(place), tmp_path / "run", replace(OPTIONS, scratch=True))
    assert (report.teacher, report.after_stage_1, report.steps_1) == (None, None, 0)
    assert report.after < report.before - 0.5
    assert {stage for stage, _, _ in metrics(tmp_path / "run")} == {2}


def test_from_scratch_codes_come_from_the_text_and_products_from_nothing(place, tmp_path):
    """Words of the text stand in any order; the tokenizer's pieces of one word stand beside each other."""
    specs = {}
    for terms, ratio in (("codes", 2), ("products", 0.3)):
        options = replace(OPTIONS, scratch=True, init=InitOptions(ratio=ratio, terms=terms))
        report = finetune(inputs(place), tmp_path / terms, options)
        assert report.after < report.before - 0.5
        specs[terms] = spec_of(load_embedding(tmp_path / terms / "factors"))
    assert specs["codes"].codes is not None
    assert not specs["codes"].codes.blocks
    assert specs["codes"].product is None
    assert specs["products"].codes is None
    started = load_embedding(tmp_path / "codes" / "factors").dequantise().materialise().detach().std()
    assert float(started) == pytest.approx(0.02, rel=0.3)


@pytest.mark.parametrize(("scratch", "purpose"), [(True, "start"), (False, "train")])
def test_factors_are_made_for_what_the_run_does_with_them(place, tmp_path, monkeypatch, scratch, purpose):
    plans = []

    def kept(model, plan, says):
        plans.append(plan)
        return make_student(model, plan, says)

    monkeypatch.setattr(run, "make_student", kept)
    short = replace(OPTIONS, scratch=scratch, length_1=StageLength(0, 1), length_2=StageLength(0, 1))
    finetune(inputs(place), tmp_path / "run", short)
    assert [plan.options.purpose for plan in plans] == [purpose]


def test_an_embedding_and_a_head_of_its_own_take_vectors_that_are_made_once(place, tmp_path, monkeypatch):
    made = []

    def counted(texts, *arguments, pairs):
        made.append(pairs)
        return piece_vectors(texts, *arguments, pairs=pairs)

    monkeypatch.setattr(run, "piece_vectors", counted)
    init = InitOptions(ratio=2, terms="codes")
    finetune(inputs(place), tmp_path / "run", replace(OPTIONS, scratch=True, init=init, length_2=StageLength(0, 1)))
    assert (tmp_path / "run" / "head-factors").is_dir()
    assert made == [[]]


def test_vectors_of_a_model_that_translates_know_what_translates_what(place, tmp_path, monkeypatch):
    made = []

    def kept(texts, *arguments, pairs):
        made.append((texts, pairs))
        return piece_vectors(texts, *arguments, pairs=pairs)

    monkeypatch.setattr(run, "piece_vectors", kept)
    init = InitOptions(ratio=2, terms="codes")
    short = replace(OPTIONS, scratch=True, init=init, length_2=StageLength(0, 1))
    finetune(inputs(place, "marian"), tmp_path / "run", short)
    ((texts, pairs),) = made
    assert [*(source for source, _ in pairs), *(target for _, target in pairs)] == texts


def test_given_factors_are_taken_and_left_as_they_are(place, tmp_path):
    for name in ("mine", "mine-head"):
        init_random(place / "tables", tmp_path / name, 24, InitOptions(ratio=0.3, by="parameters", storage="float32"))
    before = (tmp_path / "mine" / "factors.safetensors").read_bytes()
    given = inputs(place, factors=tmp_path / "mine", head_factors=tmp_path / "mine-head")
    report = finetune(given, tmp_path / "run", OPTIONS)
    assert not (tmp_path / "run" / "factors").exists()
    assert (tmp_path / "mine" / "factors.safetensors").read_bytes() == before
    first = [loss for stage, _, loss in metrics(tmp_path / "run") if stage == 1]
    assert first[-1] < 0.8 * first[0]
    assert 0.3 <= report.sizes["parameter_ratio"] < 0.4


@pytest.mark.parametrize(("made", "wanted", "kept"), [("int8", "float32", "F32"), ("float32", "int8", "I8")])
def test_the_result_is_stored_as_asked_for_however_given_factors_were(made, wanted, kept, place, tmp_path):
    from safetensors import safe_open

    for name in ("mine", "mine-head"):
        init_random(place / "tables", tmp_path / name, 24, InitOptions(ratio=0.3, by="parameters", storage=made))
    given = inputs(place, factors=tmp_path / "mine", head_factors=tmp_path / "mine-head")
    options = replace(OPTIONS, init=replace(OPTIONS.init, storage=wanted), length_2=StageLength(0, 2))
    finetune(given, tmp_path / "run", options)
    for name in ("trained", "trained-head"):
        with safe_open(tmp_path / "run" / name / "factors.safetensors", framework="pt") as file:
            types = {file.get_slice(key).get_dtype() for key in file.keys() if "product.tables" in key}  # noqa: SIM118
            assert types >= {kept}
            assert ("I8" in types) == (kept == "I8")
