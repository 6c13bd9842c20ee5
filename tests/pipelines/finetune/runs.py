"""What tests of `see finetune` share: tiny models, texts, and short runs."""

import json

from pipelines.finetune.options import FinetuneInputs, FinetuneOptions, StageLength
from pipelines.init import InitOptions
from see_tn.training.options import Optimisation
from tests.small_data import PIECES

WORDS = ["man", "dogs", "break", "unbreakable", "Doctor", "人", "医生", "火车"]
STAGE = Optimisation(0, rate=0.01, save_every=4, judge_every=4)
OPTIONS = FinetuneOptions(
    init=InitOptions(ratio=0.3, terms="products"),
    length_1=StageLength(0, 9),
    length_2=StageLength(0, 10),
    stage_1=STAGE,
    stage_2=STAGE,
    positions=300,
    keep_apart=20,
    log_every=1,
)
QUICK = ("--ratio", 0.3, "--steps-1", 6, "--steps-2", 6, "--positions", 300, "--keep-apart", 20, "--warmup", 1)
COMMON = {"vocab_size": len(PIECES), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
PHI3 = {"hidden_size": 24, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
MARIAN = {
    **{"d_model": 24, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48},
    **{"encoder_attention_heads": 4, "decoder_attention_heads": 4, "dropout": 0.0, "decoder_start_token_id": 0},
    **{"forced_eos_token_id": None, "max_position_embeddings": 64},
}


def sentence(rng):
    return " ".join(rng.choices(WORDS, k=rng.randint(2, 8)))


def inputs(place, name="phi3", **more):
    return FinetuneInputs(
        place / name, place / "tables", place / ("text.txt" if name == "phi3" else "pairs.tsv"), **more
    )


def arguments(place, out, name="phi3"):
    given = inputs(place, name)
    return ("finetune", given.model, given.tables, given.text, "--out", out)


def metrics(folder, name="loss"):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [(line["stage"], line["step"], line[name]) for line in lines if name in line]


KILLED = """
import os, sys
from pathlib import Path
from pipelines.finetune.run import finetune
from tests.pipelines.finetune.runs import *
def kill(stage, step, _steps, _text):
    if [stage, step] == [int(sys.argv[3]), int(sys.argv[4])]:
        os._exit(9)
finetune(inputs(Path(sys.argv[1])), Path(sys.argv[2]), OPTIONS, shows=kill)
"""
"""A run that a kill ends: the place, its folder, and the stage and step of the kill."""
