"""The bundled data: where they lie, and the dictionaries among them."""

from functools import lru_cache
from pathlib import Path

from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon
from see_kb.sources.texts import read_tables

BUNDLED = "bundled"
"""What the bundled lexicon is called."""

_HERE = Path(__file__).parent


def bundled(name: str) -> Path:
    """Find a folder of bundled data: inside the package once installed, in `data/` in a checkout."""
    places = (_HERE.parent / "_data" / name, _HERE.parent.parent / "data" / name)
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise SeeError(f"the bundled {name} is missing; install the package anew, or name one of your own")
    return found


@lru_cache(maxsize=1)
def bundled_lexicon() -> Lexicon:
    """Read the bundled lexicon."""
    return read_tables(bundled("lexicon") / "senses", BUNDLED)


@lru_cache(maxsize=1)
def bundled_morphemes() -> Lexicon:
    """Read the bundled table of morphemes."""
    return read_tables(bundled("lexicon") / "morphemes", "morphemes")
