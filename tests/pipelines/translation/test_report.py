"""The benchmark's report: what is averaged, and what it is compared with."""

import pytest

pytest.importorskip("sacrebleu", reason="needs the extra translation")

from pipelines.translation.report import markdown, summary


def result(form, seed, bleu, way="scratch", ratio=20):
    """A finished model's numbers, as far as a report reads them."""
    return {
        **{"pair": "de-en", "form": form, "way": way, "ratio": 1 if form == "dense" else ratio, "by": "parameters"},
        **{"seed": seed, "size": "base", "bleu": bleu, "bleu_interval": 1.0, "chrf": 50.0, "layer": "a table"},
        **{"parameters": 10, "bytes": 40, "parameter_ratio": 20.0, "byte_ratio": 20.0, "model_parameter_ratio": 2.0},
        **{"model_byte_ratio": 2.0, "seconds": 60.0, "bleu_signature": "bleu", "chrf_signature": "chrf"},
    }


def to_dense(results, form):
    frame = summary(results)
    return frame[frame["form"] == form]["to_dense"].item()


def test_a_form_is_compared_with_the_dense_models_of_its_own_seeds():
    dense = [result("dense", 0, 39.33), result("dense", 1, 37.33)]
    assert to_dense([*dense, result("see", 1, 37.13)], "see") == pytest.approx(-0.2)
    assert to_dense([*dense, result("see", 1, 37.13), result("see", 2, 50)], "see") == pytest.approx(-0.2)
    both = [result("see", 0, 39.83), result("see", 1, 37.13)]
    assert to_dense([*dense, *both], "see") == pytest.approx((0.5 - 0.2) / 2)
    assert to_dense([*dense, *both], "dense") == 0


@pytest.mark.parametrize("dense", [[], [("dense", 0, 39.33)], [("dense", 0, 39.33, "two-stage")]])
def test_where_no_dense_model_has_the_same_seed_nothing_is_compared(dense):
    text = markdown([*(result(*one) for one in dense), result("see", 1, 37.13)], [], 2)
    (line,) = (line for line in text.splitlines() if line.startswith("| see | scratch |") and "±" in line)
    assert "| 37.1 ± 1.0 | 50.0 | – |" in line
    assert "nan" not in text


def test_the_legend_says_what_is_counted():
    text = markdown([result("see", 0, 37.13)], [], 1)
    assert text.count("units computed from the piece's number: no index is counted") == 2
    assert "`see` is held to the bytes that so many float32 numbers and the index of its units take" in text


def test_models_that_were_not_trained_again_are_counted():
    same = {**result("pq", 0, 37.13), "same_as": "de-en-base-see-two-stage-20-bytes-seed0"}
    text = markdown([result("see", 0, 37.13), same], [], 5)
    assert "2 in this report, and 0 of forms of which nothing is so small (–); the command asks for 5; 1 start" in text


def test_bleu_at_a_glance_has_a_line_for_each_form_and_a_column_for_each_ratio():
    results = [result("dense", 0, 39.33), result("see", 0, 38.9), result("see", 0, 36.56, ratio=80)]
    units = result("units", 0, 30, "two-stage", 80)
    text = markdown([*results, units, {**units, "by": "bytes", "bleu": 31}], [], 5)
    start = text.index("| BLEU |")
    assert text[start:].splitlines()[:6] == [
        "| BLEU | way | counted | dense | 20× | 80× |",
        "|---|---|---|---|---|---|",
        "| units | two-stage | bytes |  |  | 31.0 |",
        "| units | two-stage | parameters |  |  | 30.0 |",
        "| dense | scratch | – | 39.3 |  |  |",
        "| see | scratch | parameters |  | 38.9 | 36.6 |",
    ]
