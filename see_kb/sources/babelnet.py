"""BabelNet's synsets with sememes, as OpenHowNet 2.0 has them: an optional table.

The file `babel_data` is a pickled list of dicts: `bn` (the synset's id), `pos`, `en_synonyms`, `zh_synonyms`,
`en_glosses`, `zh_glosses`, `sememes` (of names `en|zh`), `image_urls`, and `rel`, relation → ids of synsets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from see_kb.errors import FormatError
from see_kb.kdml import sememe_key
from see_kb.sources.files import has_half_character, read_bytes
from see_kb.sources.openhownet import load_plain_pickle

TEXT_LISTS = ("en_synonyms", "zh_synonyms", "en_glosses", "zh_glosses", "sememes", "image_urls")


@dataclass(frozen=True, slots=True)
class Synset:
    """A synset of BabelNet, and its relations to others as pairs of relation and id."""

    synset_id: str
    pos: str
    en_synonyms: tuple[str, ...]
    zh_synonyms: tuple[str, ...]
    en_glosses: tuple[str, ...]
    zh_glosses: tuple[str, ...]
    sememes: tuple[str, ...]
    image_urls: tuple[str, ...]
    relations: tuple[tuple[str, str], ...]


def read_babelnet(path: Path) -> list[Synset]:
    """Read the synsets in the file's order.

    Raises:
        SeeError: the file cannot be read.
        FormatError: it is no such file; the message has the place of the synset.
    """
    content = load_plain_pickle(read_bytes(path), path)
    if not isinstance(content, list) or not content:
        raise FormatError(f"{path}: holds no list of synsets; give OpenHowNet's file babel_data")
    synsets = []
    for place, record in enumerate(content, start=1):
        try:
            synsets.append(_synset(record))
        except (KeyError, TypeError, AttributeError) as error:
            raise FormatError(f"{path}:{place}: no synset ({error!r}); give OpenHowNet's file babel_data") from error
    return synsets


def _synset(record: Any) -> Synset:
    lists = {name: _texts(record.get(name) or ()) for name in TEXT_LISTS}
    lists["sememes"] = tuple(map(sememe_key, lists["sememes"]))
    relations = tuple(
        (_text(name), other) for name, found in (record.get("rel") or {}).items() for other in _texts(found)
    )
    return Synset(_text(record["bn"]), _text(record.get("pos") or ""), relations=relations, **lists)


def _texts(values: Sequence[Any]) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise TypeError("no list of texts")
    return tuple(map(_text, values))


def _text(value: object) -> str:
    text = str(value)
    if has_half_character(text):
        raise TypeError("a text with half a character")
    return text
