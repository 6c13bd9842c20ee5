"""One door for every dictionary: the path says which format it is in."""

from collections.abc import Sequence
from pathlib import Path

from see_kb.errors import SeeError
from see_kb.lexicon import Lexicon, merged
from see_kb.sources.bundled import BUNDLED, bundled_lexicon, bundled_morphemes
from see_kb.sources.hownet_text import parse_records
from see_kb.sources.openhownet import read_openhownet, resource_folder
from see_kb.sources.texts import Parser, read_files
from see_kb.sources.tsv import is_table, parse_table
from see_kb.sources.word_list import is_word_list, parse_word_list
from see_kb.sources.wordnet import is_wordnet, read_wordnet


def read_lexicons(paths: Sequence[Path | None]) -> Lexicon:
    """Read several dictionaries into one, the first one's senses first; none, or None, stands for the bundled lexicon.

    Raises:
        SeeError: one of them cannot be read, or two have the same name.
        FormatError: one of them is damaged, or holds not one sound record.
    """
    try:
        return merged([read_lexicon(path) for path in paths or [None]])
    except ValueError as error:
        if isinstance(error, SeeError):
            raise
        raise SeeError(f"{error}; rename one of the files or folders, or leave one out") from error


def read_lexicon(path: Path | None = None) -> Lexicon:
    """Read a dictionary; what lies at the path says in which format.

    A file or a folder of files in HowNet's text format, as tables or as lists of Chinese words; OpenHowNet's
    resources; WordNet's database files. None, and the path `bundled`, stand for the bundled lexicon.

    Raises:
        SeeError: nothing that can be read lies there.
        FormatError: what lies there is damaged, or holds not one sound record.
    """
    if path is None or (path == Path(BUNDLED) and not path.exists()):
        return bundled_lexicon()
    if not path.exists():
        raise SeeError(f"{path}: no such file or folder; name HowNet.txt or OpenHowNet's folder `resources`")
    if resource_folder(path):
        return read_openhownet(path)
    return read_wordnet(path) if is_wordnet(path) else read_texts(path)


def read_texts(path: Path) -> Lexicon:
    """Read a dictionary that is text, named after its file or folder; errors are those of `read_files`."""
    return read_files(path, path.resolve().stem, _parser_of)


def read_morphemes(path: Path | None = None) -> Lexicon:
    """Read a table of morphemes, the bundled one by default.

    Affixes are senses whose English word is `un-`, `-less` and the like, roots (`spect`) have the part of speech
    `root`, and Chinese characters stand as Chinese words of one character.
    """
    return bundled_morphemes() if path is None else read_files(path, "morphemes", _parser_of)


def _parser_of(text: str) -> Parser:
    if is_table(text):
        return parse_table
    return parse_word_list if is_word_list(text) else parse_records
