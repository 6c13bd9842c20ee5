"""A place with all that a run reads, made once for each file of tests."""

import random

import pytest
import torch

from pipelines.build import build_tables
from tests.pipelines.finetune.runs import COMMON, MARIAN, PHI3, sentence
from tests.small_data import small_inputs


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Tables, a model like Phi-3 with a head of its own, a model that translates, and texts for both."""
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    folder, rng = tmp_path_factory.mktemp("finetune"), random.Random(0)
    build_tables(small_inputs(folder), folder / "tables")
    torch.manual_seed(0)
    models = {
        "phi3": transformers.Phi3ForCausalLM(transformers.Phi3Config(**COMMON, **PHI3)),
        "marian": transformers.MarianMTModel(transformers.MarianConfig(**COMMON, **MARIAN)),
    }
    for name, model in models.items():
        model.save_pretrained(folder / name)
        (folder / name / "tokenizer.model").write_bytes((folder / "tables" / "tokenizer.model").read_bytes())
    lines = [sentence(rng) for _ in range(200)]
    (folder / "text.txt").write_text("".join(f"{line}\n" for line in lines))
    (folder / "pairs.tsv").write_text("".join(f"{line}\t{' '.join(reversed(line.split()))}\n" for line in lines))
    return folder
