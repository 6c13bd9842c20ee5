"""Putting layers into known places of a model, and taking them out again."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

import torch
from torch import nn

from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.models.head import EntangledHead, ScaledEmbedding
from see_tn.models.places import Place, Places

MARK = "_see_installed"
"""The attribute of a model that says what was put into it."""

TYING = ("_tied_weights_keys", "all_tied_weights_keys")
"""What a Hugging Face model knows of shared weights; of those that are gone it must not."""


@dataclass(frozen=True, eq=False)
class Installed:
    """What a swapped model holds: the layer, that of an untied head, and where they are read."""

    layer: EntangledEmbedding
    head: EntangledEmbedding | None
    places: Places


@dataclass(frozen=True, eq=False)
class Swap:
    """A swap that was made. It keeps the old modules for `undo`: drop it, and their memory is freed."""

    model: nn.Module
    installed: Installed
    before: dict[str, nn.Module]
    tying: list[tuple[nn.Module, str, Any]]
    state: tuple[torch.dtype, torch.device]

    @property
    def layer(self) -> EntangledEmbedding:
        """The layer that now makes the rows."""
        return self.installed.layer

    @property
    def places(self) -> Places:
        """The modules that were replaced."""
        return self.installed.places

    def undo(self) -> None:
        """Put the modules back that were there before, the very same objects.

        Where the layer has another type or device by now, they are moved to it, as the model was.

        Raises:
            FactorError: it is undone already.
        """
        if self.model.__dict__.get(MARK) is not self.installed:
            raise FactorError(f"{type(self.model).__name__}: this swap is undone already")
        now = _state(self.layer)
        for name, module in self.before.items():
            _put(self.model, name, module if now == self.state else module.to(dtype=now[0], device=now[1]))
        for module, name, value in self.tying:
            setattr(module, name, value)
        for name in (MARK, "resize_token_embeddings", "save_pretrained"):
            self.model.__dict__.pop(name, None)


def install(
    model: nn.Module,
    layer: EntangledEmbedding,
    places: Places,
    head: EntangledEmbedding | None = None,
    *,
    save: Callable[..., None] | None = None,
) -> Swap:
    """Put a layer into known places of a model, unchecked; `swap_embedding` is the checked way.

    Args:
        model: the model.
        layer: the layer; the first place owns its parameters.
        places: where it is read.
        head: the layer of an untied head, if there is a place for one.
        save: called with the model in place of its `save_pretrained`, if it has one.
    """
    new: dict[str, nn.Module] = {}
    for number, place in enumerate(places.embeddings):
        new[place.name] = _embedding(layer, place, owns=number == 0)
    for name in places.heads:
        new[name] = EntangledHead(layer, _bias(model, name))
    if places.untied_head is not None and head is not None:
        new[places.untied_head] = EntangledHead(head, _bias(model, places.untied_head), owns=True)
        for place in places.head_embeddings:
            new[place.name] = _embedding(head, place, owns=False)
    before = {name: model.get_submodule(name) for name in new}
    tying, left = [], []
    for path, module in model.named_modules():
        gone = [f"{name}.weight".removeprefix(f"{path}." if path else "") for name in new]
        for attribute in TYING:
            if ties := getattr(module, attribute, None):
                tying.append((module, attribute, ties))
                left.append(_without(ties, gone))
    mode = model.training
    for name, module in new.items():
        _put(model, name, module.train(mode))
    for (module, attribute, _), ties in zip(tying, left, strict=True):
        setattr(module, attribute, ties)
    installed = Installed(layer, head, places)
    model.__dict__[MARK] = installed
    if hasattr(model, "resize_token_embeddings"):
        model.__dict__["resize_token_embeddings"] = partial(_refuse_resizing, type(model).__name__)
    if save is not None and hasattr(model, "save_pretrained"):
        model.__dict__["save_pretrained"] = partial(save, model)
    return Swap(model, installed, before, tying, _state(layer))


def _state(layer: EntangledEmbedding) -> tuple[torch.dtype, torch.device]:
    return layer.dtype, next(layer.buffers()).device


def _without(ties: Mapping[str, str] | Sequence[str], gone: list[str]) -> dict[str, str] | list[str]:
    """The ties that are about none of the weights that are gone: target to source, or, as older models, targets."""

    def stays(*sides: str) -> bool:
        return not any(side == name or re.fullmatch(side, name) for side in sides for name in gone)

    if isinstance(ties, Mapping):
        return {target: source for target, source in ties.items() if stays(target, source)}
    return [target for target in ties if stays(target)]


def _embedding(layer: EntangledEmbedding, place: Place, *, owns: bool) -> nn.Module:
    if owns and place.scale == 1.0:
        return layer
    return ScaledEmbedding(layer, place.scale, rounded=place.rounded, owns=owns)


def _bias(model: nn.Module, name: str) -> nn.Parameter | None:
    bias = model.get_submodule(name).bias
    return bias if isinstance(bias, nn.Parameter) else None


def _put(model: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(model.get_submodule(parent), own, module)


def _refuse_resizing(model: str, *_: object, **__: object) -> NoReturn:
    raise FactorError(
        f"{model}: its rows are made from units, so pieces cannot be added or removed; "
        "undo the swap, resize, and make factors for the new vocabulary"
    )
