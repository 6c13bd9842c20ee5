"""What makes a run what it is: its options, and digests of what it reads."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.finetune.options import FinetuneInputs, FinetuneOptions
from pipelines.finetune.tokenizer import tokenizer_files
from pipelines.whole_files import read_json, write_json
from see_kb.errors import SeeError
from see_kb.tables.manifest import digest_of, rows_digest
from see_tn.layer.checkpoint import CONFIG, TENSORS
from see_tn.training.settings import first_difference, plain

RUN = "run.json"
"""A run's file in which they lie."""

READ_FROM = "read_from"
"""Where its inputs lay: for a reader, since a run goes on with the same files wherever they lie."""


def run_settings(inputs: FinetuneInputs, tokenizer: Path, options: FinetuneOptions) -> dict[str, Any]:
    """Everything that a run which goes on must find as it was.

    Args:
        inputs: what is read.
        tokenizer: the file that names the tokenizer.
        options: how the run goes.
    Raises:
        SeeError: a file cannot be read.
    """
    layer, remedy = (CONFIG, TENSORS), "check the path, and that the file can be read"
    weights = [] if options.scratch else sorted(inputs.model.glob("*.safetensors"))
    files = {
        "text": [inputs.text],
        "tokenizer": tokenizer_files(tokenizer),
        "model": [inputs.model / "config.json", *weights],
        "factors": [inputs.factors / name for name in layer] if inputs.factors else [],
        "head_factors": [inputs.head_factors / name for name in layer] if inputs.head_factors else [],
    }
    return {
        **options.settings(),
        "tables_sha256": rows_digest(inputs.tables),
        **{f"{what}_sha256": {path.name: digest_of(path, remedy) for path in paths} for what, paths in files.items()},
    }


def write_run(out: Path, settings: dict[str, Any], inputs: FinetuneInputs) -> None:
    """Write what a run was asked for."""
    paths = {name: str(path) for name, path in asdict(inputs).items() if path is not None}
    write_json(out / RUN, {READ_FROM: paths, **settings})


def check_run(out: Path, settings: dict[str, Any]) -> None:
    """Refuse a folder in which a run with other settings lies.

    Raises:
        FormatError: its file is damaged.
        SeeError: a setting is another.
    """
    before = read_json(out / RUN, "name a new folder")
    before.pop(READ_FROM, None)
    if other := first_difference(before, plain(settings)):
        raise SeeError(f"{out}: a run with another {other} lies here; give the same options, or name a new folder")
