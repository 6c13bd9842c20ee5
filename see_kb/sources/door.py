"""One door for every dictionary: the path says which format it is in."""

from pathlib import Path

from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon
from see_kb.sources.hownet_text import read_hownet
from see_kb.sources.openhownet import SENSES_FILE, read_openhownet, resource_folder

_HERE = Path(__file__).parent


def read_lexicon(path: Path | None = None) -> Lexicon:
    """Read a dictionary: a file in HowNet's text format, a folder of such files, or OpenHowNet's resources.

    None stands for the bundled lexicon.

    Raises:
        SeeError: nothing that can be read lies there.
        FormatError: what lies there is damaged, or holds not one sound record.
    """
    if path is None:
        return read_hownet(bundled("lexicon") / "senses")
    if path.name == SENSES_FILE:
        path = path.parent
    if not path.exists():
        raise SeeError(f"{path}: no such file or folder; name HowNet.txt or OpenHowNet's folder `resources`")
    if path.is_dir() and resource_folder(path):
        return read_openhownet(path)
    return read_hownet(path)


def read_affixes(path: Path | None = None) -> Lexicon:
    """Read the affix table, the bundled one by default: senses whose words are `un-`, `-less` and the like."""
    return read_hownet(path or bundled("lexicon") / "affixes.txt")


def bundled(name: str) -> Path:
    """Find a folder of bundled data: inside the package once installed, in `data/` in a checkout."""
    places = (_HERE.parent / "_data" / name, _HERE.parent.parent / "data" / name)
    found = next((place for place in places if place.is_dir()), None)
    if found is None:
        raise SeeError(f"the bundled {name} is missing; install the package anew, or name one of your own")
    return found
