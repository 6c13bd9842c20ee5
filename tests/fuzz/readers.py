"""Every reader of the knowledge base under a coverage-guided fuzzer; run by hand.

    pip install atheris
    python -m tests.fuzz.readers -max_total_time=600 -rss_limit_mb=1024 -timeout=10 CORPUS_FOLDER

The first byte chooses the reader. A reader may refuse its input with an error of this project's; anything else is a
finding, as are a hang of ten seconds and a gigabyte of memory.
"""

import contextlib
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["see_kb"]):
    from see_kb.errors import SeeError
    from see_kb.kdml import format_definition, parse_definition
    from see_kb.knowledge.arrays import read_arrays
    from see_kb.knowledge.pairs import read_pairs
    from see_kb.knowledge.trees import tree_text
    from see_kb.sources.door import read_lexicon
    from see_kb.sources.openhownet import load_plain_pickle
    from see_kb.sources.taxonomy import read_taxonomy
    from see_kb.sources.wordnet import FILES
    from see_kb.vocabulary.frequency import read_frequencies
    from see_kb.vocabulary.reader import read_vocabulary

PLACE = Path(tempfile.mkdtemp())


def _definition(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert format_definition(parse_definition(text)) == text
    tree_text(text)


def _file(read: Callable[[Path], object], name: str) -> Callable[[bytes], object]:
    def run(data: bytes) -> object:
        path = PLACE / name
        path.write_bytes(data)
        return read(path)

    return run


def _wordnet(data: bytes) -> None:
    for name in FILES:
        (PLACE / "wordnet").mkdir(exist_ok=True)
        (PLACE / "wordnet" / name).write_bytes(data)
    read_lexicon(PLACE / "wordnet")


READERS: list[Callable[[bytes], object]] = [
    _definition,
    _file(read_lexicon, "words.txt"),
    _file(read_taxonomy, "taxonomy.txt"),
    _file(read_pairs, "pairs.tsv"),
    _file(read_frequencies, "words.tsv"),
    _file(read_frequencies, "words.tsv.gz"),
    _file(read_vocabulary, "tokenizer"),
    _wordnet,
    lambda data: read_arrays(memoryview(data), Path("x"), frozenset()),
    lambda data: load_plain_pickle(data, Path("x")),
]


def one_input(data: bytes) -> None:
    """Give an input to the reader that its first byte chooses."""
    if not data:
        return
    with contextlib.suppress(SeeError):
        READERS[data[0] % len(READERS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
