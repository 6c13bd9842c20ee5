"""Words of other languages into morphs, by a Morfessor model that is trained on a vocabulary's own words.

Morfessor Baseline (Creutz and Lagus 2002, 2007) finds the morphs that describe a list of words most briefly; a
vocabulary and how often its pieces occur are such a list, so that no other data are needed.
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from see_kb.errors import SeeError

MIN_WORDS = 100
"""Words that training needs; from fewer, no morphs can be told."""

Splitter = Callable[[str], Sequence[str]]


def train_splitter(counts: Mapping[str, float]) -> Splitter:
    """Train a model on words with their counts; gives a function that splits a word into morphs.

    Args:
        counts: folded word → how often it occurs; without counts, 1 for each.
    Raises:
        SeeError: the package morfessor is not installed, or there are too few words.
    """
    try:
        import morfessor
        import morfessor.utils
    except ImportError as error:
        remedy = "install the extra `morphology`: pip install 'see-embeddings[morphology]'"
        raise SeeError(f"splitting words of other languages needs the package morfessor; {remedy}") from error
    if len(counts) < MIN_WORDS:
        raise SeeError(f"{len(counts)} words are too few to train Morfessor on; it needs {MIN_WORDS}")
    morfessor.utils.show_progress_bar = False  # it draws on standard error
    model = morfessor.BaselineModel()
    # Frequencies are shares of a text: the rarest word counts once.
    least = min((count for count in counts.values() if count > 0), default=1.0)
    model.load_data(
        [(max(1, round(count / least)), word) for word, count in sorted(counts.items())], count_modifier=_log
    )
    with _seeded():
        model.train_batch()

    def split(word: str) -> Sequence[str]:
        segments: Sequence[str] = model.viterbi_segment(word)[0]
        return segments

    return split


@contextmanager
def _seeded() -> Iterator[None]:
    """Let Morfessor shuffle, by Python's common generator, alike each time; others that use it notice nothing."""
    state = random.getstate()
    random.seed(0)
    try:
        yield
    finally:
        random.setstate(state)


def _log(count: int) -> int:
    """Log-frequency training: between types alone and tokens (Virpioja et al. 2013, "Morfessor 2.0")."""
    return count.bit_length()
