"""One door for every dictionary: the path says which format it is in."""

from collections.abc import Sequence
from pathlib import Path

from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon, merged
from see_kb.sources.openhownet import SENSES_FILE, read_openhownet, resource_folder
from see_kb.sources.texts import read_texts

BUNDLED = Path("bundled")
"""A path that stands for the bundled lexicon, where nothing of that name lies."""

_HERE = Path(__file__).parent


def read_lexicons(paths: Sequence[Path]) -> Lexicon:
    """Read several dictionaries into one, the first one's senses first; none stands for the bundled lexicon.

    Raises:
        SeeError: one of them cannot be read, or two have the same name.
        FormatError: one of them is damaged, or holds not one sound record.
    """
    try:
        return merged([read_lexicon(path) for path in paths or [BUNDLED]])
    except ValueError as error:
        if isinstance(error, SeeError):
            raise
        raise SeeError(f"{error}; rename one of the files or folders") from error


def read_lexicon(path: Path | None = None) -> Lexicon:
    """Read a dictionary: a file in HowNet's text format, a table, a folder of such files, or OpenHowNet's resources.

    None, and the path `bundled`, stand for the bundled lexicon.

    Raises:
        SeeError: nothing that can be read lies there.
        FormatError: what lies there is damaged, or holds not one sound record.
    """
    if path is None or (path == BUNDLED and not path.exists()):
        return read_texts(bundled("lexicon") / "senses", str(BUNDLED))
    if path.name == SENSES_FILE:
        path = path.parent
    if not path.exists():
        raise SeeError(f"{path}: no such file or folder; name HowNet.txt or OpenHowNet's folder `resources`")
    if path.is_dir() and resource_folder(path):
        return read_openhownet(path)
    return read_texts(path)


def read_morphemes(path: Path | None = None) -> Lexicon:
    """Read the table of morphemes, the bundled one by default.

    Affixes are senses whose English word is `un-`, `-less` and the like, roots are other English words there
    (`spect`), and Chinese characters have one as their Chinese word and none of these as their English one.
    """
    return read_texts(path or bundled("lexicon") / "morphemes", "morphemes")


def bundled(name: str) -> Path:
    """Find a folder of bundled data: inside the package once installed, in `data/` in a checkout."""
    places = (_HERE.parent / "_data" / name, _HERE.parent.parent / "data" / name)
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise SeeError(f"the bundled {name} is missing; install the package anew, or name one of your own")
    return found
