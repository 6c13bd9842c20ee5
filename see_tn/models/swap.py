"""A layer in place of a model's embedding table, and the way back: everything is checked before anything changes."""

from typing import Any, cast

from torch import Tensor, nn

from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.models.install import MARK, Swap, install
from see_tn.models.places import embedding_of, find_places


def swap_embedding(
    model: nn.Module,
    layer: EntangledEmbedding,
    *,
    name: str | None = None,
    head: EntangledEmbedding | None = None,
) -> Swap:
    """Put a layer in the place of a model's embedding table, wherever the model reads it.

    Every embedding and every linear head that shares the table reads the layer from now on: input embeddings, tied
    heads, encoders and decoders with one table. A head with a table of its own stays unless `head` is given; with it
    every embedding that shares the head's table is replaced as well, as in a decoder with pieces of its own.

    Args:
        model: a Hugging Face model, or any module.
        layer: as many rows, and as wide, as the table; in its type and on its device.
        name: the embedding's dotted name, where it cannot be found otherwise.
        head: the layer of an output head that is not tied.
    Returns:
        What was done, with `undo`.
    Raises:
        FactorError: the model is swapped already, the embedding cannot be found, or a layer does not fit it. The model
            is then as it was.
    """
    if MARK in model.__dict__:
        raise FactorError(f"{type(model).__name__}: swapped already; undo that first")
    places = find_places(model, name, with_head=head is not None)
    old = embedding_of(model, places)
    _check(model, layer, old.weight, old.padding_idx)
    if head is not None and places.untied_head is not None:
        _check(model, head, cast(Tensor, model.get_submodule(places.untied_head).weight), None)
    return install(model, layer, places, head, save=_save)


def _save(model: nn.Module, folder: Any, **options: Any) -> None:
    from see_tn.models.saved import save_swapped  # loads transformers, which plain torch models do without

    save_swapped(model, folder, **options)


def _check(model: nn.Module, layer: EntangledEmbedding, table: Tensor, padding_idx: int | None) -> None:
    name = type(model).__name__
    if (layer.num_embeddings, layer.embedding_dim) != tuple(table.shape):
        raise FactorError(
            f"{name}: its table is {tuple(table.shape)}, the layer {(layer.num_embeddings, layer.embedding_dim)}; "
            "make factors for this model's tokenizer and width"
        )
    if not table.is_floating_point() or layer.dtype != table.dtype:
        raise FactorError(
            f"{name}: its table is {table.dtype}, the layer's rows {layer.dtype}; move the layer with .to(...), or "
            "load the model in a float type"
        )
    if padding_idx is not None and layer.padding_idx not in (None, padding_idx):
        raise FactorError(f"{name}: its padding is piece {padding_idx}, the layer's {layer.padding_idx}; use one")
    devices = {tensor.device for tensor in layer.state_dict().values()}
    if devices != {table.device}:
        raise FactorError(f"{name}: its table is on {table.device}, the layer on {sorted(map(str, devices))}; move it")
