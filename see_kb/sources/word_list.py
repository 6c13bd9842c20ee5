"""Chinese words with their sememes, two lines each: the word, then the Chinese names of its sememes.

    医生
    人 职位 医治 医

The sememes are a set: the definition that is made of them has a root for each, `{human|人};{Occupation|职位};…`. A
name stands for the bundled data's sememe of that name, or where they have none for one that is named alike in both
languages (`{字符|字符}`).
"""

from see_kb.errors import FormatError
from see_kb.lexicon import Reject, Sense
from see_kb.sources.hownet_text import checked_sense
from see_kb.sources.inventory import sememes_by_chinese

SAMPLE_WORDS = 50
"""Words at the beginning of a file by which its format is told."""

KNOWN_SHARE = 0.5
"""Share of the names there that have to be sememes of the bundled data; of a real list, nine in ten are."""


def is_word_list(text: str) -> bool:
    """Tell whether the second one of each pair of lines has names of sememes."""
    lines = text.split("\n", 2 * SAMPLE_WORDS + 1)
    if any("=" in line or "\t" in line for line in lines[:-1]):
        return False
    return _known_share(lines[1 : 2 * SAMPLE_WORDS : 2]) > KNOWN_SHARE


def _known_share(lines: list[str]) -> float:
    """The share of the names in some lines that are sememes of the bundled data."""
    names, known = [name for line in lines for name in line.split()], sememes_by_chinese()
    return sum(name in known for name in names) / max(len(names), 1)


def parse_word_list(text: str, file: str, source: str = "") -> tuple[list[Sense], list[Reject]]:
    """Read the words of a list; each malformed one becomes a reject with its line, and the rest is read.

    A word that is empty, as the first one of the known list is, is passed over with its sememes. A blank line between
    words is a reject of its own, or all that follow would be taken the wrong way round.
    """
    senses: list[Sense] = []
    rejects: list[Reject] = []
    lines = text.rstrip("\n").split("\n")
    known = sememes_by_chinese()
    number = -1
    while (number := number + 2) <= len(lines):
        word, names = lines[number - 1], lines[number].split() if number < len(lines) else []
        if not word.strip():
            following = lines[number : number + 2 * SAMPLE_WORDS]
            if names and _known_share(following[::2]) < _known_share(following[1::2]):
                rejects.append(Reject(file, number, "a blank line where a word should be; remove it"))
                number -= 1
            continue
        try:
            definition = ";".join(f"{{{known.get(name, f'{name}|{name}')}}}" for name in dict.fromkeys(names))
            fields = {"zh_word": word.strip(), "zh_pos": "", "en_word": "", "en_pos": "", "source": source}
            senses.append(checked_sense(f"{file}:{number}", fields, definition))
        except FormatError as error:
            rejects.append(Reject(file, number, str(error)))
    return senses, rejects
