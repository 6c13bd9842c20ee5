"""A Phi-3 of about a billion parameters: tables, factors, both stages, generation, on this machine's CPU in bfloat16.

The model is made here with random weights: what is measured is whether all of it runs, its memory and its time.

python -m tests.bench.phi3 OUT [--layers 15] [--steps 4] [--positions 256] [--ratio 20] [--terms codes]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

from pipelines.parallel_text import read_lines
from tests.shared_data import DATA, HOWNET, TOKENIZERS

PIECES = 32064
TEXT = DATA / "translation" / "multi30k" / "train.en.gz"
TEXTS = 400

MAKE = """
import sys, torch
from transformers import Phi3Config, Phi3ForCausalLM
torch.manual_seed(0)
torch.set_default_dtype(torch.bfloat16)
config = Phi3Config(vocab_size={pieces}, hidden_size=2048, intermediate_size=8192, num_hidden_layers={layers},
    num_attention_heads=32, num_key_value_heads=32, pad_token_id=0, bos_token_id=1, eos_token_id=2)
model = Phi3ForCausalLM(config)
model.save_pretrained({folder!r})
print(sum(parameter.numel() for parameter in model.parameters()))
"""

GENERATE = """
import time, torch
from see_tn.models.saved import load_swapped
ids = torch.tensor([[1, 415, 3000, 264]])
with torch.no_grad():
    model = load_swapped({folder!r})
    began = time.monotonic()
    made = model.generate(ids, max_new_tokens=16, min_new_tokens=16, do_sample=False)
    seconds = time.monotonic() - began
    logits = model(ids).logits
    model.save_pretrained({again!r})
    same = torch.equal(load_swapped({again!r})(ids).logits, logits)
print(made.shape[1] - 4, round(seconds, 1), str(model.dtype), same, sum(p.numel() for p in model.parameters()))
"""


def measured(*command: str) -> dict[str, object]:
    """Run a command; give its output, its seconds, and the most memory that a child took up to now, in GiB."""
    began = time.monotonic()
    process = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if process.returncode:
        sys.exit(process.stderr)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    seconds = round(time.monotonic() - began, 1)
    return {"seconds": seconds, "peak_gib": round(peak, 2), "said": process.stdout.strip().splitlines()[-3:]}


def text(out: Path) -> Path:
    """The first texts of a corpus in a file of their own."""
    place = out / "text.txt"
    place.write_text("".join(f"{line}\n" for line in read_lines(TEXT)[:TEXTS]), encoding="utf-8")
    return place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--layers", type=int, default=15)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--positions", type=int, default=256)
    parser.add_argument("--ratio", type=float, default=20)
    parser.add_argument("--terms", default="codes")
    given = parser.parse_args()
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    out, tokenizer = given.out, TOKENIZERS[0]
    out.mkdir(parents=True, exist_ok=True)
    see = ("-c", "from pipelines.cli import main; main()")
    build = f"build --hownet {HOWNET} --tokenizer {tokenizer} --pieces {PIECES} --out {out / 'tables'} --overwrite"
    finetune = (
        f"finetune {out / 'model'} {out / 'tables'} {text(out)} --out {out / 'run'} --tokenizer {tokenizer} "
        f"--dtype bfloat16 --ratio {given.ratio} --terms {given.terms} --steps-1 {given.steps} --steps-2 {given.steps} "
        f"--positions {given.positions} --keep-apart 8 --save-every 0 --judge-every 0 --log-every 1 --json"
    )
    jobs = {
        "tables": (*see, *build.split()),
        "model": ("-c", MAKE.format(pieces=PIECES, layers=given.layers, folder=str(out / "model"))),
        "both stages": (*see, *finetune.split()),
        "generation": ("-c", GENERATE.format(folder=str(out / "run" / "model"), again=str(out / "again"))),
    }
    for name, command in jobs.items():
        sys.stdout.write(json.dumps({"job": name, **measured(*command)}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
