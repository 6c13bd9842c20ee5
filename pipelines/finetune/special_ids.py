"""The ids of pieces without text that a model's config names."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from see_kb.errors import SeeError


@dataclass(frozen=True)
class SpecialIds:
    """Ids that a model's config names; None where it names none."""

    pad: int | None
    begin: int | None
    end: int | None
    decoder_start: int | None

    @classmethod
    def of(cls, config: Any, n_pieces: int, file: Path) -> "SpecialIds":
        """Read them from a Hugging Face config; a negative one stands for none.

        Raises:
            SeeError: one is none of the pieces that the model has.
        """
        return cls(*(_special_id(config, name, n_pieces, file) for name in SPECIAL))


SPECIAL = ("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id")


def _special_id(config: Any, name: str, n_pieces: int, file: Path) -> int | None:
    given = getattr(config, name, None)
    first = next(iter(given), None) if isinstance(given, list) else given
    if first is None or first < 0:
        return None
    if first >= n_pieces:
        raise SeeError(f"{file}: {name} is {first}, the model has {n_pieces} pieces; name one of them, or null")
    return int(first)
