"""The bundled sample: a small tokenizer, and a small teacher table for the demo, both made from bundled text.

`python -m pipelines.sample FOLDER` makes the tokenizer anew from `FOLDER/text.txt` and the bundled lexicon.
The teacher is no trained model: it holds the leading singular vectors of positive pointwise mutual information
(Levy and Goldberg 2014, "Neural word embedding as implicit matrix factorization") between pieces that occur
close to each other, so that pieces used alike get similar rows.
"""

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import svds
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from see_kb.sources.bundled import bundled
from see_kb.sources.door import read_lexicon

SAMPLE_PIECES = 6_000
SAMPLE_WIDTH = 96
WINDOW = 4
"""Pieces to the left and to the right that count as close."""


def sample_text(folder: Path | None = None) -> list[str]:
    """Give the bundled sentences, and for each sense of the bundled lexicon a line with its two words."""
    text = ((folder or bundled("sample")) / "text.txt").read_text(encoding="utf-8")
    words = dict.fromkeys(f"{sense.en_word} {sense.zh_word}" for sense in read_lexicon().senses)
    return [*filter(None, text.split("\n")), *words]


def train_tokenizer(lines: Iterable[str], n_pieces: int = SAMPLE_PIECES) -> bytes:
    """Train a SentencePiece BPE model with byte fallback; equal lines give equal bytes."""
    model = io.BytesIO()
    SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        vocab_size=n_pieces,
        model_type="bpe",
        byte_fallback=True,
        character_coverage=0.98,  # rarer characters fall back to bytes
        normalization_rule_name="identity",  # NFKC's table would be most of the file
        num_threads=1,  # the result depends on the number of threads
        minloglevel=2,
    )
    return model.getvalue()


def sample_teacher(tokenizer: Path, lines: Sequence[str], width: int = SAMPLE_WIDTH) -> NDArray[np.float32]:
    """Make an embedding table from the text that the pieces occur in.

    Args:
        tokenizer: a SentencePiece model with V pieces.
        lines: the text.
        width: columns of the table.
    Returns:
        (V, width): rows scaled to a mean length of 1; pieces that do not occur have rows of zeros.
    """
    processor = SentencePieceProcessor(model_file=str(tokenizer))
    information = _mutual_information(processor.encode(list(lines)), processor.get_piece_size())
    start = np.random.default_rng(0).standard_normal(information.shape[0])
    left, values, _ = svds(information, k=width, v0=start)
    table = left * np.sqrt(values)
    lengths = np.linalg.norm(table, axis=1)
    return np.asarray(table / lengths[lengths > 0].mean(), dtype=np.float32)


def _mutual_information(encoded: Iterable[Sequence[int]], n_pieces: int) -> csr_array:
    """Positive pointwise mutual information of pieces at most `WINDOW` apart, (V, V)."""
    pairs = [
        (a, b)
        for ids in encoded
        for place, a in enumerate(ids)
        for b in (*ids[max(place - WINDOW, 0) : place], *ids[place + 1 : place + WINDOW + 1])
    ]
    rows, columns = np.array(pairs).T
    counts = csr_array(coo_array((np.ones(len(pairs)), (rows, columns)), shape=(n_pieces, n_pieces)))
    totals = np.maximum(counts.sum(axis=1), 1)
    scaled = diags_array(1 / totals) @ counts @ diags_array(1 / totals) * counts.sum()
    scaled.data = np.maximum(np.log(scaled.data), 0)
    return csr_array(scaled)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / "tokenizer.model").write_bytes(train_tokenizer(sample_text(place)))
