"""Stage 1 from fitted factors and from random ones: how many steps each takes to the same loss.

The teacher is the dense de-en model of a work folder of `see translate-bench`.

python -m tests.bench.stage_one WORK_FOLDER [--ratio 20] [--steps 400] [--every 20] [--seed 0]
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from accelerate import Accelerator
from transformers import PegasusForConditionalGeneration

from pipelines.translation.corpus import read_corpus
from pipelines.translation.forms import make_layer
from pipelines.translation.prepare import Prepared
from see_tn.models.swap import swap_embedding
from see_tn.planning.budget import Budget
from see_tn.training.batches import Batches
from see_tn.training.loop import Run, Stage, evaluate
from see_tn.training.objectives import Alignment
from see_tn.training.options import Optimisation
from see_tn.training.records import Records
from tests.shared_data import DATA

RATES = (1e-3, 4e-3, 1.6e-2)


def curve(given: argparse.Namespace, teacher: torch.nn.Module, *, fitted: bool, rate: float) -> list[float]:
    """The loss on texts kept apart, before training and after each `every` steps."""
    corpus, prepared = read_corpus(DATA / "translation", "de-en"), Prepared(given.folder / "de-en")
    encoder = prepared.encoder()
    train = Batches(encoder.examples(corpus.train), 1280, given.seed)
    dev = Batches(encoder.examples(corpus.dev), 5120)
    width = teacher.get_input_embeddings().embedding_dim
    material = prepared.material(train.examples, width, teacher if fitted else None)
    layer = make_layer("see", material, Budget(given.ratio, "parameters", "float32"), given.seed)
    student = PegasusForConditionalGeneration.from_pretrained(given.folder / "cells/de-en-base-dense-seed0/model")
    student.requires_grad_(False)
    swap_embedding(student, layer)
    layer.requires_grad_(True)
    objective = Alignment(student, teacher)
    with tempfile.TemporaryDirectory() as folder:
        accelerator = Accelerator(cpu=True)
        records = Records(Path(folder) / "metrics.jsonl")
        options = Optimisation(given.steps, rate, warmup=20, save_every=0, judge_every=given.every)
        before = evaluate(objective, dev, accelerator)
        Stage(1, objective, train, options, Run(accelerator, given.seed, None, records), dev).train()
        lines = map(json.loads, (Path(folder) / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
        return [before, *(line["kept_apart"] for line in lines if "kept_apart" in line)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ratio", type=float, default=20)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.folder / "cells/de-en-base-dense-seed0/model"
    teacher = PegasusForConditionalGeneration.from_pretrained(folder).requires_grad_(False).eval()
    fitted = min((curve(given, teacher, fitted=True, rate=rate) for rate in RATES), key=min)
    random = min((curve(given, teacher, fitted=False, rate=rate) for rate in RATES), key=min)
    for name, losses in (("fitted", fitted), ("random", random)):
        sys.stdout.write(json.dumps({name: [round(loss, 4) for loss in losses]}) + "\n")
    for wanted in (fitted[0], fitted[1], fitted[5], min(random)):
        steps = {
            name: next((number * given.every for number, loss in enumerate(losses) if loss <= wanted), None)
            for name, losses in (("fitted", fitted), ("random", random))
        }
        sys.stdout.write(json.dumps({"loss": round(wanted, 4), "steps": steps}) + "\n")


if __name__ == "__main__":
    main()
