"""The teacher as it lies in a folder, and the student: the same model with factors in place of its tables."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from pipelines.finetune.options import FinetuneInputs
from pipelines.init import InitOptions, init_fitted, init_random
from see_kb.errors import SeeError
from see_tn.errors import FactorError
from see_tn.layer.checkpoint import load_embedding
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.layer.spec import INT8
from see_tn.models.install import Swap
from see_tn.models.places import find_places, untied_head
from see_tn.models.swap import swap_embedding

Says = Callable[[str], None]


def quiet() -> None:
    """Keep bars and advice of transformers off the terminal."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def load_model(folder: Path, dtype: str | None = None) -> Any:
    """Load a Hugging Face model that continues or translates texts, in evaluation mode. No remote code, no pickle.

    Args:
        folder: with config.json and weights in safetensors.
        dtype: the type of its weights; None keeps the folder's.
    Raises:
        SeeError: the folder holds no such model.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    config = read_config(folder)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    try:
        model, info = cast(Any, kind).from_pretrained(
            folder,
            dtype=dtype or "auto",
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # whatever its code and its configuration lead to
        raise SeeError(
            f"{folder}: no model that can be loaded ({_line(error)}); give a folder of save_pretrained"
        ) from error
    if info["missing_keys"]:
        raise SeeError(f"{folder}: no weights of {sorted(info['missing_keys'])[0]}; give the folder of a whole model")
    return model.eval()


def new_model(folder: Path, dtype: str | None, seed: int) -> Any:
    """Make a model of a folder's config with random weights.

    Raises:
        SeeError: the folder has no config.
    """
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    config = read_config(folder)
    kind: Any = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    torch.manual_seed(seed)
    try:
        return kind.from_config(config, dtype=getattr(torch, dtype) if dtype else None, trust_remote_code=False)
    except Exception as error:  # whatever a value of the config leads to
        raise SeeError(f"{folder}: no model can be made of its config ({_line(error)}); check its values") from error


def read_config(folder: Path) -> Any:
    """Read a model folder's config.

    Raises:
        SeeError: there is none that transformers knows.
    """
    from transformers import AutoConfig

    if not (folder / "config.json").is_file():
        raise SeeError(f"{folder}: no config.json; give a Hugging Face model folder")
    try:
        return AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # its checks raise errors of their own
        raise SeeError(
            f"{folder / 'config.json'}: no model that transformers knows ({_line(error)}); check its values"
        ) from error


def check_places(model: Any, inputs: FinetuneInputs) -> None:
    """Refuse a model whose tables cannot be replaced, before factors are made for them.

    Raises:
        FactorError: something beside embeddings and heads reads them, or they do more than look rows up.
        SeeError: there are factors for a head that has no table of its own.
    """
    head = untied_head(model)
    find_places(model, None, with_head=head is not None)
    if head is None and inputs.head_factors is not None:
        raise SeeError(f"{inputs.head_factors}: the head of {inputs.model} has no table of its own; leave them out")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__


@dataclass(frozen=True)
class FactorPlan:
    """Where the factors of a run come from and lie.

    Attributes:
        tables: a folder made by `build_tables`.
        folder: the embedding's factors; they are made here if they are not there.
        head_folder: the same of an untied head.
        options: what factors are asked for where they are made.
        vectors: from scratch, vectors of the pieces by their width; None where there is a teacher.
    """

    tables: Path
    folder: Path
    head_folder: Path
    options: InitOptions
    vectors: Callable[[int], NDArray[np.float32]] | None = None

    def layer(self, table: torch.Tensor, says: Says) -> EntangledEmbedding:
        """Give the embedding's factors."""
        return self._layer(self.folder, "embedding", table, says)

    def head(self, table: torch.Tensor, says: Says) -> EntangledEmbedding:
        """Give the factors of a head with a table of its own."""
        return self._layer(self.head_folder, "head", table, says)

    def _layer(self, folder: Path, what: str, table: torch.Tensor, says: Says) -> EntangledEmbedding:
        if not folder.exists():
            says(f"making the factors of the {what}")
            values = table.detach().float().cpu().numpy()
            width, row_std = values.shape[1], float(values.std())  # from scratch rows are as long as the model's
            if self.vectors is not None and self.options.only_products:
                init_random(self.tables, folder, width, replace(self.options, row_std=row_std))
            else:
                target = values if self.vectors is None else self.vectors(width) * row_std
                init_fitted(self.tables, folder, target, self.options, says=says, baselines=False)
        return load_embedding(folder)


@dataclass(frozen=True)
class Student:
    """A model with factors in place of its tables; they are trainable, in the model's type.

    Attributes:
        swap: what was done.
        layers: that of the embedding, and that of a head with a table of its own.
        in_8_bits: whether these are to be kept in 8 bits in the end.
    """

    swap: Swap
    layers: tuple[EntangledEmbedding, ...]
    in_8_bits: bool


def make_student(model: Any, plan: FactorPlan, says: Says) -> Student:
    """Put factors in place of a model's table, and of its head's if that has its own.

    Raises:
        SeeError: factors cannot be made from the tables.
        FactorError: they cannot be read, or do not fit the model.
    """
    table = model.get_input_embeddings().weight
    layer = plan.layer(table, says)
    output = untied_head(model)
    head = None if output is None else plan.head(cast(torch.Tensor, output.weight), says)
    layers = tuple(one for one in (layer, head) if one is not None)
    for one in layers:
        if one.is_quantised:
            one.dequantise()
        one.to(table.dtype)
    try:
        return Student(swap_embedding(model, layer, head=head), layers, plan.options.storage == INT8)
    except FactorError as error:
        raise FactorError(f"{plan.folder}: {error}") from error
