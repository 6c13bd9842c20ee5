"""What the bundled data know of sememes: their names, and the first meaning of English words."""

from collections.abc import Mapping
from functools import lru_cache

from see_kb.kdml import sememes_of_text
from see_kb.lexicon import sememes_of
from see_kb.sources.bundled import bundled_lexicon, bundled_morphemes


@lru_cache(maxsize=1)
def sememes_by_chinese() -> Mapping[str, str]:
    """Chinese name → the sememe of that name (`en|zh`); of several, the one that the bundled data use most."""
    counts = sememes_of((*bundled_lexicon().senses, *bundled_morphemes().senses))
    ordered = sorted(counts, key=lambda name: (counts[name], name))
    return {name.split("|")[1]: name for name in ordered}


@lru_cache(maxsize=1)
def roots_by_english() -> Mapping[tuple[str, str], str]:
    """English word in lower case and part of speech → the first sememe of its first sense."""
    found: dict[tuple[str, str], str] = {}
    for sense in bundled_lexicon().senses:
        sememes = sememes_of_text(sense.definition)
        if sememes:
            found.setdefault((sense.en_word.casefold(), sense.en_pos), sememes[0])
    return found
