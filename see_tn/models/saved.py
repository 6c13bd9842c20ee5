"""Swapped Hugging Face models on the disk: `save_swapped` and `load_swapped`. No pickle, no remote code.

A swapped model's config has the type `see_TYPE`, so that nothing else mistakes the folder for the model it was, and in
`see_swap` the sizes of the layers and the places where they go. Needs the extra `hf`.
"""

import json
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
import transformers
from safetensors import SafetensorError
from torch import nn
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from see_tn.errors import FactorError
from see_tn.layer.spec import LayerSpec, empty_layer, spec_of
from see_tn.models.install import MARK, Installed, install
from see_tn.models.places import Places

PREFIX = "see_"
ENTRY = "see_swap"
TYPES = ("dtype", "torch_dtype")
"""Values of a config that `from_pretrained` takes as options of its own."""


def save_swapped(model: nn.Module, folder: Path | str, **options: Any) -> None:
    """Save a swapped model, the factors once, so that `load_swapped` gives it back; its `save_pretrained` does this.

    Args:
        model: a Hugging Face model that `swap_embedding` changed.
        folder: the folder to write.
        options: those of `save_pretrained`. Weights keep the names that they have in the model; older ones, into which
            `save_pretrained` may turn them, are those of the type that the folder is not to be mistaken for.
    Raises:
        FactorError: it is no such model, or of a class that transformers does not have, which could not be loaded; or
            the folder cannot be written.
    """
    installed, name = model.__dict__.get(MARK), type(model).__name__
    if not isinstance(model, PreTrainedModel) or not isinstance(installed, Installed):
        raise FactorError(f"{name}: no swapped Hugging Face model; save it as any other")
    if getattr(transformers, name, None) is not type(model):
        raise FactorError(f"{name}: a class that transformers does not have; keep the layer with save_embedding")
    config = model.config
    plain = type(config)
    entry = {
        "layer": spec_of(installed.layer).as_dict(),
        "head": spec_of(installed.head).as_dict() if installed.head else None,
        "places": installed.places.as_dict(),
    }
    try:
        config.__class__ = _config_class(plain)
        setattr(config, ENTRY, entry)
        type(model).save_pretrained(model, folder, **{"save_original_format": False, **options})
    except (OSError, SafetensorError) as error:
        raise FactorError(f"{folder}: cannot be written ({error}); make room, or name another folder") from error
    finally:
        delattr(config, ENTRY)
        config.__class__ = plain


def load_swapped(folder: Path | str, **options: Any) -> PreTrainedModel:
    """Load a model that `save_swapped` saved, in evaluation mode as `from_pretrained` does.

    Args:
        folder: the folder.
        options: those of `from_pretrained`: a type, a device, values of the config, ...; but for a config and
            `output_loading_info`.
    Raises:
        FactorError: the folder holds no swapped model, one of a class that transformers does not have, or damaged
            weights or not all of them; or an option is one of the two.
    """
    if wrong := [name for name in ("config", "output_loading_info") if name in options]:
        raise FactorError(f"{folder}: load_swapped has no option {wrong[0]!r}; leave it out")
    path = Path(folder) / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        model_type, (architecture,) = values["model_type"].removeprefix(PREFIX), values["architectures"]
        entry = values[ENTRY]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FactorError(f"{path}: not the config of a swapped model ({error}); name a folder of one") from error
    base = getattr(transformers, str(architecture), None)
    if base is None or model_type not in CONFIG_MAPPING:
        raise FactorError(f"{path}: a {architecture} of type {model_type!r}, unknown to this transformers; update it")
    model_class, options["output_loading_info"] = cast(Any, _model_class(base, entry, path)), True
    model: PreTrainedModel
    try:
        config = _config_class(CONFIG_MAPPING[model_type]).from_pretrained(folder)
        for name in [name for name in options if name in config.to_dict() and name not in TYPES]:
            setattr(config, name, options.pop(name))
        model, info = model_class.from_pretrained(folder, config=config, **options)
    except (OSError, SafetensorError, RuntimeError) as error:
        problem = " ".join(str(error).split())[:200]
        raise FactorError(f"{folder}: no weights that can be loaded ({problem}); save the model again") from error
    if info["missing_keys"]:
        raise FactorError(f"{folder}: no weights of {sorted(info['missing_keys'])[0]}; save the model again")
    model.__class__ = base
    model.config.__class__ = CONFIG_MAPPING[model_type]
    delattr(model.config, ENTRY)
    model.__dict__["save_pretrained"] = partial(save_swapped, model)
    return model


def _config_class(base: type[PreTrainedConfig]) -> type[PreTrainedConfig]:
    return type(f"See{base.__name__}", (base,), {"model_type": f"{PREFIX}{base.model_type}"})


def _model_class(base: type[PreTrainedModel], entry: dict[str, Any], path: Path) -> type[PreTrainedModel]:
    """The model's class, of the same name, with the layers in their places from the start."""
    try:
        places, spec = Places.from_dict(entry["places"]), LayerSpec.from_dict(entry["layer"])
        head = LayerSpec.from_dict(entry["head"]) if entry["head"] else None
    except (KeyError, TypeError, FactorError) as error:
        raise FactorError(f"{path}: {ENTRY} does not tell the layers ({error}); save the model again") from error
    parents = {name.rpartition(".")[0] for name in places.names}

    def init(self: PreTrainedModel, config: PreTrainedConfig, *args: Any, **kwargs: Any) -> None:
        own, config.__class__ = config.__class__, type(config).__mro__[1]
        try:
            base.__init__(self, config, *args, **kwargs)  # may make a model inside by its config's class
        finally:
            config.__class__ = own
        # `from_pretrained` makes the model in the type that it is asked for, as torch's default type.
        dtype = str(torch.get_default_dtype()).removeprefix("torch.")
        layer = empty_layer(replace(spec, dtype=dtype))
        install(self, layer, places, empty_layer(replace(head, dtype=dtype)) if head else None)

    def init_weights(self: PreTrainedModel, module: nn.Module) -> None:
        # Fills what no file has, buffers for example. Some models look for the weight of an embedding that is gone.
        gone = any(module is self.get_submodule(name) for name in parents)
        with suppress(AttributeError) if gone else nullcontext():
            base._init_weights(self, module)  # type: ignore[no-untyped-call]

    methods = {"__init__": init, "_init_weights": init_weights, "config_class": None, "__module__": base.__module__}
    return type(base.__name__, (base,), methods)
