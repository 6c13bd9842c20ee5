"""BLEU and chrF of a model's translations, with signatures and bootstrap intervals (extra `translation`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from pipelines.parallel_text import ParallelText
from pipelines.translation.vocabulary import PAD, Encoder
from see_tn.training.batches import Batches, Examples

BEAMS = 4
POSITIONS = 2048
"""Source positions of a batch that is translated together."""

LONGER = 20
"""Pieces that a translation may have beyond one and a half times its source."""

RESAMPLES = 1000
"""Of the test set for the intervals (Koehn 2004), with a fixed seed."""


@dataclass(frozen=True)
class Score:
    """BLEU and chrF with the half widths of their 95 % intervals (None for scores near 0), and signatures."""

    bleu: float
    bleu_interval: float | None
    chrf: float
    chrf_interval: float | None
    bleu_signature: str
    chrf_signature: str


@torch.no_grad()
def translate(model: Any, encoder: Encoder, sentences: Sequence[str], beams: int = BEAMS) -> list[str]:
    """Translate sentences by beam search, those of like length together; in their order.

    Args:
        model: an encoder–decoder with `generate`; it is put into evaluation mode.
        encoder: of its pieces.
        sentences: what to translate.
        beams: hypotheses that are kept for each; 1 is greedy.
    """
    model.eval()
    sources = encoder.encode(sentences)
    order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    translations: dict[int, str] = {}
    batches = Batches(Examples([sources[number] for number in order], [[PAD]] * len(order), pad=PAD), POSITIONS)
    for batch in batches.all_once():
        ids = batch.inputs["input_ids"]
        mask = batch.inputs["attention_mask"]
        longest = int(1.5 * ids.shape[1]) + LONGER
        made = model.generate(
            input_ids=ids, attention_mask=mask, num_beams=beams, max_new_tokens=longest, do_sample=False
        )
        for text in encoder.decode(made[:, 1:].tolist()):
            translations[order[len(translations)]] = text
    return [translations[number] for number in range(len(sentences))]


def score(translations: Sequence[str], text: ParallelText) -> Score:
    """Compare translations with the references of a text."""
    references = [list(text.targets)]
    bleu, chrf = BLEU(references=references), CHRF(references=references)
    return Score(
        bleu=bleu.corpus_score(list(translations), None).score,
        bleu_interval=_interval(bleu, translations),
        chrf=chrf.corpus_score(list(translations), None).score,
        chrf_interval=_interval(chrf, translations),
        bleu_signature=str(bleu.get_signature()),
        chrf_signature=str(chrf.get_signature()),
    )


def _interval(metric: Any, translations: Sequence[str]) -> float | None:
    """Half the width of a metric's 95 % interval."""
    try:
        return float(metric.corpus_score(list(translations), None, n_bootstrap=RESAMPLES)._ci)
    except TypeError:  # sacrebleu 2.6 mixes types of numbers where a resample scores 0
        return None
