"""The models of the benchmark: small transformers with one table for everything."""

from dataclasses import dataclass

import torch
from torch import nn
from transformers import GenerationConfig, PegasusConfig, PegasusForConditionalGeneration

from pipelines.translation.vocabulary import END, LONGEST, PAD


@dataclass(frozen=True)
class ModelSize:
    """Columns of the table, layers of encoder and decoder each, heads, columns inside feed-forward layers."""

    width: int = 128
    layers: int = 3
    heads: int = 4
    inner: int = 512
    dropout: float = 0.0


def new_model(size: ModelSize, n_pieces: int, seed: int) -> PegasusForConditionalGeneration:
    """Make a model with random weights.

    A transformer (Vaswani et al., arXiv 1706.03762) with norms before each part (Xiong et al., arXiv 2002.04745:
    Pegasus' form, which short training needs), its table three-way tied (Press & Wolf, arXiv 1608.05859), matrices of
    the body as Glorot & Bengio (2010) have them.
    """
    torch.manual_seed(seed)
    config = PegasusConfig(
        vocab_size=n_pieces,
        d_model=size.width,
        encoder_layers=size.layers,
        decoder_layers=size.layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.inner,
        decoder_ffn_dim=size.inner,
        dropout=size.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        activation_function="relu",
        max_position_embeddings=2 * LONGEST,
        scale_embedding=True,
        init_std=size.width**-0.5,
        pad_token_id=PAD,
        eos_token_id=END,
        decoder_start_token_id=PAD,
        forced_eos_token_id=None,
    )
    model = PegasusForConditionalGeneration(config)
    for module in model.model.modules():
        if isinstance(module, nn.Linear):
            nn.init.xavier_uniform_(module.weight)
    model.generation_config = GenerationConfig(  # type: ignore[no-untyped-call]
        pad_token_id=PAD, eos_token_id=END, decoder_start_token_id=PAD, bad_words_ids=[[PAD]]
    )
    return model
