"""Whether what a run reads belongs together, and whether the model can be trained on it."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, cast

import torch

from pipelines.init import REPORT
from pipelines.whole_files import read_json
from see_kb.errors import SeeError
from see_kb.tables.manifest import rows_digest
from see_kb.tables.store import read_table
from see_kb.vocabulary.reader import read_vocabulary
from see_tn.training.batches import Examples

SEEING = 1e-3
"""A part of the logits' standard deviation: a causal model's differ by rounding, if at all."""


def check_reading(model: Any, examples: Examples, folder: Path) -> None:
    """Let a model read the longest texts: it has positions for them, makes numbers of them, and sees nothing ahead.

    Raises:
        SeeError: it does not.
    """
    longest = [max(texts, key=len) for texts in (examples.sources, examples.targets) if texts]
    try:
        read = _logits(model, *longest)
    except (IndexError, RuntimeError) as error:
        if "index" not in str(error):
            raise
        n = max(map(len, longest))
        raise SeeError(f"{folder}: no positions for a text of {n} pieces ({error}); lower --longest") from error
    if bool(read.isnan().any()):
        raise SeeError(f"{folder}: a model that makes NaN of a text; repair its weights, or give another --dtype")
    if len(longest) > 1:
        return
    *start, end = examples.sources[0][:8]
    other = next((piece for piece in chain.from_iterable(examples.sources) if piece != end), end)
    logits = _logits(model, [*start, end])[-2]
    if (logits - _logits(model, [*start, other])[-2]).abs().max() > SEEING * logits.std():
        raise SeeError(
            f"{folder}: a {type(model).__name__} that sees the pieces which it is to predict; give a model that "
            "continues texts"
        )


@torch.no_grad()
def _logits(model: Any, text: Sequence[int], target: Sequence[int] | None = None) -> torch.Tensor:
    """(pieces, V): what a model makes of a text, or of a target and its source, in evaluation mode."""
    was_training = model.training
    more = {} if target is None else {"decoder_input_ids": torch.tensor([target])}
    try:
        return cast(torch.Tensor, model.eval()(input_ids=torch.tensor([text]), **more).logits[0].float())
    finally:
        model.train(was_training)


def check_tokenizer(tokenizer: Path, tables: Path, n_rows: int) -> None:
    """Compare the pieces of a model's tokenizer with those that tables were built for.

    Args:
        tokenizer: a tokenizer file.
        tables: a folder made by `build_tables`.
        n_rows: rows of the model's embedding table.
    Raises:
        SeeError: they differ, or the model's table has another number of rows.
    """
    known = dict(enumerate(read_table(tables, "pieces").sort_by("piece_id").column("piece").to_pylist()))
    if len(known) != n_rows:
        raise SeeError(
            f"{tables}: tables of {len(known)} pieces, the model's table has {n_rows} rows; build them from the "
            f"model's tokenizer with --pieces {n_rows}"
        )
    pieces = read_vocabulary(tokenizer).pieces
    if len(pieces) > n_rows:
        raise SeeError(
            f"{tokenizer}: {len(pieces)} pieces, the model's table has {n_rows} rows; name its own tokenizer"
        )
    for piece in pieces:
        if known[piece.piece_id] != piece.piece:
            raise SeeError(
                f"{tokenizer}: piece {piece.piece_id} is {piece.piece!r}, in {tables} it is {known[piece.piece_id]!r}; "
                "build tables for this tokenizer"
            )


def check_factors(folder: Path, tables: Path) -> None:
    """Compare the tables that factors were made from, where their report tells, with others.

    Raises:
        FormatError: the report is damaged.
        SeeError: the folder is missing, or they differ.
    """
    if not folder.is_dir():
        raise SeeError(f"{folder}: no such folder; name factors made by `see init`, or leave them to the run")
    if not (folder / REPORT).is_file():
        return
    made_from = read_json(folder / REPORT, "make the factors anew")
    if made_from.get("tables_sha256") != rows_digest(tables):
        raise SeeError(f"{folder}: factors made from other tables; make them with `see init {tables}`")
