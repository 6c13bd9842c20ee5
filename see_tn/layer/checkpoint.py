"""The folder that factors are kept in: `factors.safetensors` and `config.json`, checked whole before use. No pickle.

    factors.safetensors   cores.0, cores.1, ...   as in the layer's state_dict
                          offset                  if the layer has one
                          terms, units.0, ...     the index, see `RowIndex.stored`
    config.json           {"format": "see_tn factors", "format_number": 1,
                           "shape": {"form": "cp", "width": 384, "sites": [8, 8, 6], "rank": 9},
                           "dtype": "float32", "padding_idx": null, "offset": true, "n_pieces": 30522,
                           "n_terms": 3, "n_units": [2100, 5400, 3300], "sha256": "9f86d0..."}

`n_terms` is the padded number of terms, `n_units` has one count for each site, `sha256` is that of the tensors' file.
"""

import hashlib
import json
from collections.abc import Mapping, Set
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from see_tn.chain.row_index import RowIndex
from see_tn.chain.shapes import ChainShape
from see_tn.errors import FactorError
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.folders import check_target, new_folder

FORMAT = "see_tn factors"
FORMAT_NUMBER = 1
TENSORS = "factors.safetensors"
CONFIG = "config.json"

_DTYPES = {
    str(dtype).removeprefix("torch."): dtype for dtype in (torch.float64, torch.float32, torch.float16, torch.bfloat16)
}
_INDEX_TYPES = {
    "terms": (torch.uint8, torch.int32),
    "units": (torch.uint8, torch.uint16, torch.int32),
    "amplitudes": (torch.float32,),
    "amplitude_codes": (torch.uint8,),
    "amplitude_values": (torch.float32,),
}
_REMEDY = "copy or save the factors again"
_CONFIG_TYPES: dict[str, type | tuple[type, ...]] = {
    "shape": dict,
    "dtype": str,
    "padding_idx": (int, type(None)),
    "offset": bool,
    "n_pieces": int,
    "n_terms": int,
    "n_units": list,
    "sha256": str,
}


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
            on the device `meta`; or its cores have different types.
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
        shape = ChainShape(**config["shape"] | {"sites": tuple(config["shape"]["sites"])})
        tensors = load(content)
    except (FactorError, TypeError, KeyError, SafetensorError) as error:
        raise FactorError(f"{path}: not usable factors ({error}); {_REMEDY}") from error
    _check_tensors(path, tensors, config, shape)
    try:
        stored = {name: tensor.numpy() for name, tensor in tensors.items() if not _is_trained(name)}
        rows = RowIndex.from_stored(stored, config["n_terms"], tuple(config["n_units"]))
        cores = [tensors[f"cores.{site}"] for site in range(shape.order)]
        return EntangledEmbedding.from_cores(
            rows, shape, cores, tensors.get("offset"), padding_idx=config["padding_idx"]
        )
    except FactorError as error:
        raise FactorError(f"{path}: {error}") from error


def stored_bytes(rows: RowIndex, shape: ChainShape, dtype: torch.dtype, *, offset: bool) -> int:
    """The bytes of everything that `save_embedding` would write for a layer, before there is one.

    The padding index is counted at its longest, which may be a few digits too many.
    """
    cores = [torch.zeros(n, *shape.core_shape(site), dtype=dtype) for site, n in enumerate(rows.n_units)]
    vector = torch.zeros(shape.width, dtype=dtype) if offset else None
    files = _contents(EntangledEmbedding.from_cores(rows, shape, cores, vector), Path())
    longest = max(0, len(str(rows.n_pieces - 1)) - len("null"))
    return sum(len(content) for content in files.values()) + longest


def _contents(module: EntangledEmbedding, folder: Path) -> dict[str, bytes]:
    if any(tensor.is_meta for tensor in (module.index, *module.parameters())):
        raise FactorError(f"{folder}: a layer on the device meta has no values to save; load or initialise it first")
    parameters = {name: parameter.detach().cpu() for name, parameter in module.named_parameters()}
    types = {parameter.dtype for parameter in parameters.values()}
    if len(types) != 1 or not types <= set(_DTYPES.values()):
        raise FactorError(
            f"{folder}: parameters of the types {sorted(map(str, types))}; move them all to one of {', '.join(_DTYPES)}"
        )
    rows = module.rows()
    index = {name: torch.from_numpy(array) for name, array in rows.stored().items()}
    tensors = save({name: tensor.contiguous() for name, tensor in (parameters | index).items()})
    config = {
        "format": FORMAT,
        "format_number": FORMAT_NUMBER,
        "shape": asdict(module.shape),
        "dtype": str(types.pop()).removeprefix("torch."),
        "padding_idx": module.padding_idx,
        "offset": module.offset is not None,
        "n_pieces": rows.n_pieces,
        "n_terms": rows.index.shape[1],
        "n_units": rows.n_units,
        "sha256": hashlib.sha256(tensors).hexdigest(),
    }
    return {TENSORS: tensors, CONFIG: (json.dumps(config, indent=2) + "\n").encode()}


def _is_trained(name: str) -> bool:
    return name == "offset" or name.startswith("cores.")


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
            "install the version that wrote it, or save the factors again"
        )
    for name, types in _CONFIG_TYPES.items():
        # In Python a bool is an int; in this config it is not.
        if (
            name not in config
            or not isinstance(config[name], types)
            or (isinstance(config[name], bool) != (types is bool))
        ):
            raise FactorError(f"{path}: {name} is {config.get(name)!r}; {_REMEDY}")
    if config["n_terms"] < 1 or not all(type(n) is int and n > 0 for n in config["n_units"]):
        raise FactorError(f"{path}: n_terms is {config['n_terms']}, n_units {config['n_units']}; {_REMEDY}")
    if config["dtype"] not in _DTYPES:
        raise FactorError(f"{path}: dtype is {config['dtype']!r}, not one of {', '.join(_DTYPES)}; {_REMEDY}")
    return config


def _check_tensors(path: Path, tensors: Mapping[str, Tensor], config: dict[str, Any], shape: ChainShape) -> None:
    n_units = config["n_units"]
    if len(n_units) != shape.order:
        raise FactorError(f"{path}: {len(n_units)} counts of units for {shape.order} sites; {_REMEDY}")
    trained = {f"cores.{site}": (n, *shape.core_shape(site)) for site, n in enumerate(n_units)}
    if config["offset"]:
        trained["offset"] = (shape.width,)
    coded = {"amplitude_codes", "amplitude_values"}
    wanted = {*trained, "terms", *(f"units.{site}" for site in range(shape.order))}
    wanted |= coded if coded & set(tensors) else {"amplitudes"}
    if wanted != set(tensors):
        missing, extra = sorted(wanted - set(tensors)), sorted(set(tensors) - wanted)
        raise FactorError(f"{path}: tensors missing: {missing}, not expected: {extra}; {_REMEDY}")
    for name, tensor in tensors.items():
        if name in trained and (tuple(tensor.shape) != trained[name] or tensor.dtype != _DTYPES[config["dtype"]]):
            raise FactorError(
                f"{path}: {name} is {tuple(tensor.shape)} {tensor.dtype}, the config says {trained[name]} "
                f"{config['dtype']}; {_REMEDY}"
            )
        if name not in trained and (tensor.dim() != 1 or tensor.dtype not in _INDEX_TYPES[name.split(".")[0]]):
            raise FactorError(f"{path}: {name} is {tuple(tensor.shape)} {tensor.dtype}, not one of an index; {_REMEDY}")
    if len(tensors["terms"]) != config["n_pieces"]:
        raise FactorError(f"{path}: {len(tensors['terms'])} pieces, the config says {config['n_pieces']}; {_REMEDY}")
