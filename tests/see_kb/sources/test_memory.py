"""No reader takes more than a bounded multiple of its input in memory, whatever the input is made of."""

import contextlib
import gc
import tracemalloc

import pytest

from see_kb.errors import SeeError
from see_kb.sources.door import read_lexicon
from see_kb.sources.taxonomy import read_taxonomy
from see_kb.vocabulary.reader import read_vocabulary

SIZE = 200_000
MOST = 150
"""Times the input's size: objects of Python's are that much larger than the few letters they are made from."""

INPUTS = {
    "records of one line": (read_lexicon, "W_C=a\n"),
    "short records": (read_lexicon, "W_C=a\nDEF={a|b}\n\n"),
    "definitions of one record": (read_lexicon, "DEF={a|b}\n"),
    "one long line": (read_lexicon, "x"),
    "opening braces": (read_lexicon, "{"),
    "rows of a table": (read_lexicon, "\ta\t{a|b}\n"),
    "empty rows of a table": (read_lexicon, "\t\n"),
    "pairs of a list": (read_lexicon, "a\n人\n"),
    "branches of a tree": (read_taxonomy, "  ├ {a|b}\n"),
    "triples": (read_taxonomy, "a hypernym b\n"),
    "bytes that are no model": (read_vocabulary, "\n\x02"),
}

HEADS = {
    "rows of a table": "W_C\tW_E\tDEF\n",
    "empty rows of a table": "W_C\tW_E\tDEF\n",
    "branches of a tree": "- {r|r}\n",
}


@pytest.mark.parametrize("name", INPUTS)
def test_memory_is_bounded_by_the_size_of_the_input(tmp_path, name):
    read, unit = INPUTS[name]
    text = HEADS.get(name, "") + unit * (SIZE // len(unit))
    (tmp_path / "x.txt").write_text(text, encoding="utf-8")
    (tmp_path / "warm.txt").write_text(text[:200], encoding="utf-8")
    for warming in (True, False):  # what is loaded once, such as the bundled data, is no part of it
        gc.collect()
        tracemalloc.start()
        with contextlib.suppress(SeeError):
            read(tmp_path / ("warm.txt" if warming else "x.txt"))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MOST * SIZE
