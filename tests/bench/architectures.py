"""Which model types of transformers a layer goes into: swapped, compared with the stock model, saved and loaded again.

A tiny model of each type is made from its config, where the sizes below do; the others are counted as not tried.

python -m tests.bench.architectures [--types llama,t5,...]
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM
from transformers.models.auto import modeling_auto as known
from transformers.utils import logging

from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.models.saved import load_swapped
from see_tn.models.swap import swap_embedding
from tests.see_tn.examples import seeded, some_rows
from tests.see_tn.models.tiny import dense_twin, logits

PIECES, WIDTH, INNER, HEADS, LAYERS, EXPERTS, POSITIONS = 50, 64, 96, 4, 2, 2, 64
LARGEST = 30_000_000  # parameters of a model that is tried
SIZES = (
    (WIDTH, "hidden_size d_model n_embd embedding_size emb_dim dim"),
    (INNER, "intermediate_size d_ff ffn_dim encoder_ffn_dim decoder_ffn_dim hidden_dim ffn_hidden_size inner_dim"),
    (LAYERS, "num_hidden_layers num_layers n_layer n_layers encoder_layers decoder_layers"),
    (HEADS, "num_attention_heads n_head n_heads num_heads encoder_attention_heads decoder_attention_heads"),
    (HEADS, "num_key_value_heads num_attn_heads"),
    (EXPERTS, "num_experts num_local_experts n_routed_experts"),
    (WIDTH // HEADS, "head_dim d_kv moe_intermediate_size"),
    (PIECES, "vocab_size"),
    (POSITIONS, "max_position_embeddings n_positions"),
    (0, "pad_token_id"),
    (1, "bos_token_id num_experts_per_tok"),
    (2, "eos_token_id decoder_start_token_id"),
)
CLASSES = (
    (AutoModelForCausalLM, known.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
    (AutoModelForSeq2SeqLM, known.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES),
    (AutoModelForMaskedLM, known.MODEL_FOR_MASKED_LM_MAPPING_NAMES),
)


class NotTriedError(Exception):
    """No tiny model of a type can be made, or run, with these sizes."""


def tiny_model(kind: type, model_type: str) -> nn.Module:
    """A model of a type with random weights, in evaluation mode, that gives logits."""
    sizes = {name: value for value, names in SIZES for name in names.split()}
    try:
        usual = AutoConfig.for_model(model_type)
        config = AutoConfig.for_model(model_type, **{name: v for name, v in sizes.items() if hasattr(usual, name)})
        with torch.device("meta"):
            size = sum(parameter.numel() for parameter in kind.from_config(config).parameters())
        if size <= LARGEST:
            torch.manual_seed(0)
            model: nn.Module = kind.from_config(config).eval()
            outputs(model)
    except Exception as error:  # whatever a config that is not made for such sizes runs into
        raise NotTriedError(str(error)) from error
    if size > LARGEST:
        raise NotTriedError(f"{size} parameters")
    if len(model.get_input_embeddings().weight) != PIECES:
        raise NotTriedError("another vocabulary")
    return model


def outputs(model: nn.Module) -> torch.Tensor:
    """Logits of a fixed input."""
    with torch.no_grad():
        return logits(model, torch.randint(3, PIECES, (2, 7), generator=seeded()))


def verdict(model: nn.Module) -> str:
    """Swap, compare, save, load, compare."""
    table = model.get_input_embeddings().weight
    shape = ChainShape("cp", table.shape[1], (4, 4, -(-table.shape[1] // 16)), 3)
    layer = EntangledEmbedding(some_rows(n_pieces=PIECES), shape, row_std=0.1, generator=seeded(1), dtype=table.dtype)
    wanted = outputs(dense_twin(model, layer))
    try:
        swap_embedding(model, layer)
    except FactorError as error:
        return f"refused: {error}"
    swapped = outputs(model)
    if not torch.allclose(swapped, wanted, rtol=1e-3, atol=1e-4, equal_nan=True):
        return "other logits than with the table"
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        loaded = outputs(load_swapped(folder))
    return "works" if torch.equal(loaded, swapped) else "other logits after loading"


def verdicts(types: list[str]) -> Iterator[tuple[str, str]]:
    """Model classes, and what became of each."""
    for kind, names in CLASSES:
        for model_type, name in names.items():
            if types and model_type not in types:
                continue
            try:
                yield str(name), verdict(tiny_model(kind, model_type))
            except NotTriedError as error:
                yield str(name), f"not tried: {error}"
            except Exception as error:  # a failure is what is looked for
                yield str(name), f"failed: {type(error).__name__}: {error}"


def main() -> int:
    """Print a line for each model that does not simply work, and how many do."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--types", default="")
    types = [name for name in parser.parse_args().types.split(",") if name]
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    counts: Counter[str] = Counter()
    for name, said in verdicts(types):
        counts[said.partition(":")[0]] += 1
        if said != "works":
            sys.stdout.write(f"{name}: {' '.join(said.split())[:160]}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{dict(counts)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
