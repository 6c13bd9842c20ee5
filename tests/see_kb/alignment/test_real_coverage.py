"""What the rules find in real vocabularies, held against samples read by eye."""

from pathlib import Path

import pytest

from see_kb.alignment.align import Aligner
from see_kb.sources.bundled import BUNDLED
from see_kb.sources.door import read_lexicon, read_lexicons, read_morphemes
from see_kb.vocabulary.frequency import read_frequencies
from see_kb.vocabulary.pieces import Piece
from see_kb.vocabulary.scripts import script_of
from tests.bench.coverage import align_all, measure, read_golden
from tests.bench.segmentation import read_gold, score
from tests.shared_data import FREQUENCY, HOWNET, needs_shared

pytestmark = needs_shared


@pytest.fixture(scope="module")
def figures():
    return measure(align_all([HOWNET, Path(BUNDLED)]))


def test_english_pieces_and_han_pieces_have_a_meaning(figures):
    assert figures["english_pieces"] >= 200
    assert figures["english_share"] >= 0.85
    assert min(figures["han_share"].values()) >= 0.97


def test_decompositions_are_still_those_that_were_judged(figures):
    assert len(read_golden("decompositions.tsv")) == 200
    assert figures["decompositions"] >= 190  # with more changed ones the sample has to be judged anew
    assert figures["precision"] >= 0.7


@pytest.mark.parametrize(("language", "least"), [("en", 0.85), ("zh", 0.75)])
def test_the_bundled_lexicon_covers_running_text(language, least):
    """Whole words alone, inflections counted; what holds no letter is no word."""
    words = read_frequencies(FREQUENCY / f"{language}.tsv.gz")
    words = {word: frequency for word, frequency in words.items() if script_of(word) != "Common"}
    pieces = [Piece(number, word, word, "normal", starts_word=True) for number, word in enumerate(words)]
    found = Aligner(read_lexicon(), read_morphemes()).align(pieces)
    covered = sum(words[a.piece.piece] for a in found if a.rule in ("exact", "normalised", "inflection"))
    assert covered >= least * sum(words.values())


def test_segmentation_agrees_with_a_list_of_segmented_words():
    segmenter = Aligner(read_lexicons([HOWNET, Path(BUNDLED)]), read_morphemes()).segmenter
    gold = dict(list(read_gold("odd").items())[::10])
    assert len(gold) > 1_500
    result = score(gold, lambda word: (part.start for part in segmenter.segment(word, unknown_stems=True)[1:]))
    assert result["f1"] > 0.74
    whole = score(gold, lambda _: ())
    assert whole["recall"] == 0 < result["recall"]
