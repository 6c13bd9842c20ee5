"""What the README tells people to type works, on small inputs."""

import gzip
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch

from see_kb.vocabulary.reader import read_vocabulary
from tests.pipelines.command import see
from tests.pipelines.translation.corpora import write_corpora
from tests.shared_data import ROOT
from tests.small_data import SENSES

README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines()]
SMALL = {
    # A vocabulary of a few dozen pieces has more units than pieces: no ratio of 20 for it.
    **dict.fromkeys(("init", "plan", "finetune"), ("--ratio", "0.2")),
    "translate-bench": ("--pieces", "150", "--ratios", "3"),
}
SEE_COMMANDS = [shlex.split(line)[1:] for line in COMMANDS if line.startswith("see ")]


def test_the_readme_has_the_two_commands_and_their_scripts_exist():
    assert COMMANDS[:2] == ["bash scripts/demo.sh", "bash scripts/test.sh"]
    assert all((ROOT / line.split()[1]).is_file() for line in COMMANDS[:2])


@pytest.fixture(scope="module")
def place(small_tables, tmp_path_factory):
    """A folder in which every name that the README uses stands for something small."""
    folder = tmp_path_factory.mktemp("readme")
    (folder / "HowNet.txt").write_text("".join(SENSES), encoding="utf-8")
    (folder / "tokenizer.model").write_bytes((small_tables / "tokenizer.model").read_bytes())
    (folder / "words.tsv.gz").write_bytes(gzip.compress(b"man\t0.05\n"))
    n_pieces = len(read_vocabulary(folder / "tokenizer.model").pieces)
    np.save(folder / "embeddings.npy", np.random.default_rng(0).standard_normal((n_pieces, 512)))
    small_model(n_pieces, torch.float32).save_pretrained(folder / "my_model")
    (folder / "my_model" / "tokenizer.model").write_bytes((folder / "tokenizer.model").read_bytes())
    (folder / "text.txt").write_text("man dogs break\nunbreakable man\n" * 120, encoding="utf-8")
    write_corpora(folder / "corpora")
    return folder


def test_the_commands_run_in_the_order_of_the_readme(place):
    for arguments in SEE_COMMANDS:
        process = see(*arguments, *SMALL.get(arguments[0], ()), cwd=place)
        assert process.returncode == 0, (arguments, process.stderr)
    assert (place / "my_tables" / "manifest.json").is_file()
    assert (place / "my_factors" / "factors.safetensors").is_file()
    assert (place / "my_run" / "model" / "config.json").is_file()
    assert (place / "my_bench" / "translation.md").is_file()


def test_every_option_of_the_readme_is_explained_by_help():
    helped = {name: see(name, "--help").stdout for name in {arguments[0] for arguments in SEE_COMMANDS}}
    for arguments in SEE_COMMANDS:
        for option in (argument for argument in arguments if argument.startswith("--")):
            assert option in helped[arguments[0]]


def test_the_python_of_the_readme_runs(small_tables, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    process = see("init", small_tables, "--width", "24", "--ratio", "1.1", "--out", tmp_path / "my_factors")
    assert process.returncode == 0
    layer, swap, knowledge = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "my_tables").symlink_to(small_tables)
    exec(knowledge, {})
    names = {"ids": torch.tensor([[0, 1, 1]])}
    exec(layer, names)
    assert names["rows"].shape == (1, 3, 24)
    assert torch.equal(names["rows"][0], names["table"][[0, 1, 1]])
    assert Path("my_trained_factors", "factors.safetensors").is_file()
    names["model"] = small_model(names["layer"].num_embeddings, names["layer"].dtype)
    exec(swap, names)
    assert names["model"].get_input_embeddings().weight.shape == names["table"].shape
    assert Path("my_model", "model.safetensors").is_file()


def small_model(n_pieces, dtype):
    from transformers import Phi3Config, Phi3ForCausalLM

    sizes = {"hidden_size": 24, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    tokens = {"vocab_size": n_pieces, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return Phi3ForCausalLM(Phi3Config(**sizes, **tokens)).to(dtype)
