"""Tiny models of every kind that a layer goes into, made from configs."""

import copy

import pytest
import torch
from torch import nn

from see_tn.chain.shapes import ChainShape
from see_tn.layer.embedding import EntangledEmbedding
from tests.see_tn.examples import seeded, some_rows

transformers = pytest.importorskip("transformers", reason="needs the extra hf")

PIECES, WIDTH = 50, 24
COMMON = {"vocab_size": PIECES, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
PHI3 = {
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "original_max_position_embeddings": 64,
}
SEQUENCES = {
    "d_model": WIDTH,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 64,
    "decoder_start_token_id": 2,
    "scale_embedding": True,
    "forced_eos_token_id": None,
    "dropout": 0.0,
    "attention_dropout": 0.0,
}
T5 = {"d_model": WIDTH, "d_kv": 6, "d_ff": 48, "num_layers": 2, "num_heads": 4, "decoder_start_token_id": 0}
MASKED = {
    "hidden_size": WIDTH,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
KINDS = {
    "Phi-3": ("Phi3", "ForCausalLM", {**PHI3, "tie_word_embeddings": False}),
    "Phi-3, tied": ("Phi3", "ForCausalLM", {**PHI3, "tie_word_embeddings": True}),
    "Marian": ("Marian", "MTModel", SEQUENCES),
    "Pegasus": ("Pegasus", "ForConditionalGeneration", SEQUENCES),
    "Bart": ("Bart", "ForConditionalGeneration", SEQUENCES),
    "T5": ("T5", "ForConditionalGeneration", {**T5, "dropout_rate": 0.0}),
    # Its experts' weights have other names, and other shapes, in the files of `save_pretrained`.
    "Mixtral": ("Mixtral", "ForCausalLM", {**PHI3, "num_local_experts": 2}),
    # Asks the head's weight for its type.
    "Mamba": ("Mamba", "ForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": 2}),
    "Bert": ("Bert", "ForMaskedLM", MASKED),
    # Multiplies with the embedding's weight where a head would be.
    "Deberta": ("DebertaV2", "ForMaskedLM", {**MASKED, "legacy": False}),
}
GENERATING = [name for name, (_, task, _) in KINDS.items() if task != "ForMaskedLM"]
IDS = torch.randint(3, PIECES, (2, 7), generator=seeded())


def tiny(kind: str) -> nn.Module:
    name, task, options = KINDS[kind]
    torch.manual_seed(0)
    config = getattr(transformers, f"{name}Config")(**COMMON, **options)
    return getattr(transformers, f"{name}{task}")(config).eval()


def unshared() -> nn.Module:
    """A model that translates whose decoder and head have a table that is not the encoder's."""
    torch.manual_seed(0)
    more = {"share_encoder_decoder_embeddings": False, "decoder_vocab_size": PIECES}
    config = transformers.MarianConfig(**COMMON, **SEQUENCES, **more)
    return transformers.MarianMTModel(config).eval()


def some_factors(**options) -> EntangledEmbedding:
    rows, shape = some_rows(n_pieces=PIECES), ChainShape("cp", WIDTH, (4, 3, 2), 3)
    return EntangledEmbedding(rows, shape, row_std=0.1, generator=seeded(1), offset=True, **options)


def logits(model: nn.Module, ids: torch.Tensor = IDS) -> torch.Tensor:
    inputs = {"input_ids": ids}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids[:, :5]
    return model(**inputs).logits


def dense_twin(model: nn.Module, layer: EntangledEmbedding) -> nn.Module:
    """The stock model with the layer's table as its embedding weight."""
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.get_input_embeddings().weight.copy_(layer.materialise())
    return twin
