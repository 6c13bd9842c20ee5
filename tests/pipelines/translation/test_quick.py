"""The benchmark's ten-minute version on the real corpus: training works if it is far above what chance gives."""

import os

import pytest
import torch

pytest.importorskip("sacrebleu", reason="needs the extra translation")
pytest.importorskip("transformers", reason="needs the extra hf")

from pipelines.translation.bench import Bench, run_cells
from pipelines.translation.cells import PRESETS, all_cells
from tests.shared_data import DATA, HOWNET, needs_shared

FLOOR = 8.0
"""BLEU; docs/results/training.md has what the quick version reached."""


@needs_shared
@pytest.mark.skipif(not os.environ.get("CI"), reason="ten minutes: in CI alone")
def test_quick_training_translates(tmp_path):
    quick = PRESETS["quick"]
    cells = list(all_cells(quick.pairs, quick.ratios, [0], quick.forms))
    bench = Bench(DATA / "translation", tmp_path, quick.recipe, (HOWNET,))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        results = {(one["form"], one["way"], one["by"]): one["bleu"] for one in run_cells(bench, cells)}
    finally:
        torch.set_num_threads(before)
    assert len(results) == len(cells) == 5
    assert min(results.values()) > FLOOR, results
