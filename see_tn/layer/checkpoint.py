"""The folder that factors are kept in: `factors.safetensors` and `config.json`, checked whole before use. No pickle.

    factors.safetensors   product.tables.0.weight, ...   cores, flat; in 8 bits `.codes` and `.scale` instead
                          terms, units.0, ...            the index of the products, see `RowIndex.stored`
                          codes.codes                    learned codes, with codes.codebook and codes.basis
                          offset                         if the layer has one
    config.json           {"format": "see_tn factors", "format_number": 2, "layer": {...}, "sha256": "9f86d0..."}

`layer` holds the sizes (`LayerSpec`), `sha256` is that of the tensors' file.
"""

import hashlib
import json
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.folders import check_target, new_folder
from see_tn.layer.spec import FLOATS, FORMAT, FORMAT_NUMBER, LayerSpec, config_text, empty_layer, spec_of

TENSORS = "factors.safetensors"
CONFIG = "config.json"

_INDEX_TYPES = {
    "terms": (torch.uint8, torch.int32),
    "units": (torch.uint8, torch.uint16, torch.int32),
    "amplitudes": (torch.float32,),
    "amplitude_codes": (torch.uint8,),
    "amplitude_values": (torch.float32,),
}
_REMEDY = "copy or save the factors again"


def save_embedding(
    module: EntangledEmbedding,
    folder: Path | str,
    *,
    overwrite: bool = False,
    notes: Mapping[str, bytes] | None = None,
) -> None:
    """Write a layer so that `load_embedding` gives it back bit for bit.

    The folder appears whole or not at all; with `overwrite` older factors stay until the new ones are complete.

    Args:
        module: the layer.
        folder: the folder to make.
        overwrite: whether older factors may be replaced.
        notes: further files of the folder by name, a report for example; they are not read back.

    Raises:
        FactorError: the folder exists with other content, or without `overwrite`; it cannot be written; the layer is
            on the device `meta`; or its tensors have different types.
    """
    folder = Path(folder)
    notes = notes or {}
    with new_folder(folder, {TENSORS, CONFIG, *notes}, overwrite=overwrite) as partial:
        for name, content in {**notes, **_contents(module, folder)}.items():
            (partial / name).write_bytes(content)


def check_unsaved(folder: Path | str, notes: Set[str] = frozenset(), *, overwrite: bool = False) -> None:
    """Refuse a folder that `save_embedding` would refuse, before long work starts.

    Raises:
        FactorError: the folder exists with other content, or without `overwrite`.
    """
    check_target(Path(folder), {TENSORS, CONFIG, *notes}, overwrite=overwrite)


def load_embedding(folder: Path | str) -> EntangledEmbedding:
    """Read a layer that `save_embedding` wrote, onto the CPU and in the type it was saved in.

    Raises:
        FactorError: a file is missing, damaged, of another format, or does not fit its config.
    """
    folder = Path(folder)
    config = _read_config(folder / CONFIG)
    path = folder / TENSORS
    content = _read(path)
    if hashlib.sha256(content).hexdigest() != config["sha256"]:
        raise FactorError(f"{path}: damaged or cut off (its sha256 is not the one in {CONFIG}); {_REMEDY}")
    try:
        spec = LayerSpec.from_dict(config["layer"])
        tensors = load(content)
    except (FactorError, SafetensorError) as error:
        raise FactorError(f"{path}: not usable factors ({error}); {_REMEDY}") from error
    try:
        return _filled(spec, tensors)
    except FactorError as error:
        raise FactorError(f"{path}: {error}") from error


def factors_digest(folder: Path | str) -> str:
    """The SHA-256 digest of a saved layer's tensors: layers of one form that are equal bit for bit have the same.

    Raises:
        FactorError: the folder has no usable config.
    """
    return str(_read_config(Path(folder) / CONFIG)["sha256"])


def stored_bytes(layer: EntangledEmbedding) -> int:
    """The bytes of everything that `save_embedding` would write for a layer."""
    return sum(len(content) for content in _contents(layer, Path()).values())


def _contents(module: EntangledEmbedding, folder: Path) -> dict[str, bytes]:
    state = {name: tensor.detach().cpu() for name, tensor in module.state_dict().items() if not tensor.is_meta}
    if len(state) < len(module.state_dict()):
        raise FactorError(f"{folder}: a layer on the device meta has no values to save; load or initialise it first")
    types = {tensor.dtype for name, tensor in state.items() if name.split(".")[-1] in ("weight", "scale", "offset")}
    if len(types) != 1 or not types <= set(FLOATS.values()):
        raise FactorError(
            f"{folder}: tensors of the types {sorted(map(str, types))}; move them all to one of {', '.join(FLOATS)}"
        )
    spec = spec_of(module)
    for name, (dtype, _) in spec.tensors.items():
        stored = state[name].to(dtype)
        # An offset that was trained after `quantise` is kept as it is.
        if name != "offset" or torch.equal(stored.to(state[name].dtype), state[name]):
            state[name] = stored
    if module.product is not None:
        for name in ("product.index", "product.amplitude"):
            state.pop(name, None)
        state |= {name: torch.from_numpy(array) for name, array in module.rows().stored().items()}
    tensors = save({name: tensor.contiguous() for name, tensor in state.items()})
    config = config_text(spec, hashlib.sha256(tensors).hexdigest())
    return {TENSORS: tensors, CONFIG: config.encode()}


def _filled(spec: LayerSpec, tensors: dict[str, Tensor]) -> EntangledEmbedding:
    layer = empty_layer(spec, "meta")
    wanted, types = spec.tensors, {name: tensor.dtype for name, tensor in layer.state_dict().items()}
    index = {name: tensor for name, tensor in tensors.items() if name not in wanted}
    _check_names(wanted.keys(), tensors, index, spec)
    state = {}
    for name, (dtype, shape) in wanted.items():
        given = tensors[name]
        allowed = {dtype, types[name]} if name == "offset" else {dtype}
        if tuple(given.shape) != shape or given.dtype not in allowed:
            raise FactorError(
                f"{name} is {tuple(given.shape)} {given.dtype}, the config says {shape} {dtype}; {_REMEDY}"
            )
        state[name] = given.to(types[name])
    if spec.product is not None:
        state |= _index_state(spec, {name: tensor.numpy() for name, tensor in index.items()})
    layer.load_state_dict(state, assign=True)
    return layer


def _index_state(spec: LayerSpec, stored: dict[str, np.ndarray[Any, Any]]) -> dict[str, Tensor]:
    product = spec.product
    if product is None:
        return {}
    rows = RowIndex.from_stored(stored, product.n_terms, product.n_units, product.shape.tables)
    if rows.n_pieces != spec.n_pieces:
        raise FactorError(f"{rows.n_pieces} pieces in the index, the config says {spec.n_pieces}; {_REMEDY}")
    state = {"product.index": torch.from_numpy(rows.index).permute(2, 0, 1).contiguous()}
    if not product.unit_amplitudes:
        state["product.amplitude"] = torch.from_numpy(rows.amplitude)
    return state


def _check_names(wanted: Set[str], tensors: Mapping[str, Tensor], index: Mapping[str, Tensor], spec: LayerSpec) -> None:
    expected = set(wanted)
    if spec.product is not None:
        coded = {"amplitude_codes", "amplitude_values"}
        expected |= {"terms", *(f"units.{site}" for site in range(spec.product.shape.order))}
        expected |= coded if coded & set(tensors) else {"amplitudes"}
    if expected != set(tensors):
        missing, extra = sorted(expected - set(tensors)), sorted(set(tensors) - expected)
        raise FactorError(f"tensors missing: {missing}, not expected: {extra}; {_REMEDY}")
    for name, tensor in index.items():
        if tensor.dim() != 1 or tensor.dtype not in _INDEX_TYPES[name.split(".")[0]]:
            raise FactorError(f"{name} is {tuple(tensor.shape)} {tensor.dtype}, not one of an index; {_REMEDY}")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise FactorError(f"{path}: no such file; name a folder that save_embedding wrote") from None
    except OSError as error:
        raise FactorError(
            f"{path}: cannot be read ({error.strerror}); name a folder that save_embedding wrote"
        ) from error


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(_read(path))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise FactorError(f"{path}: not JSON ({error}); {_REMEDY}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise FactorError(f"{path}: not the config of factors; name a folder that save_embedding wrote")
    if config.get("format_number") != FORMAT_NUMBER:
        raise FactorError(
            f"{path}: format number {config.get('format_number')!r}, this version reads {FORMAT_NUMBER}; "
            "install the version that wrote it, or make the factors again"
        )
    for name, kind in (("layer", dict), ("sha256", str)):
        if not isinstance(config.get(name), kind):
            raise FactorError(f"{path}: {name} is {config.get(name)!r}; {_REMEDY}")
    return config
