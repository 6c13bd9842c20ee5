"""The bundled sample: a small tokenizer, and a small teacher table for the demo, both made from bundled text.

`python -m pipelines.sample FOLDER` makes the tokenizer anew from `FOLDER/text.txt` and the bundled lexicon.
The teacher is no trained model: its rows are vectors of pieces from the text, see `see_kb.vocabulary.piece_vectors`.
"""

import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

from see_kb.sources.bundled import bundled
from see_kb.sources.door import read_lexicon
from see_kb.vocabulary.piece_vectors import piece_vectors

SAMPLE_PIECES = 6_000
SAMPLE_WIDTH = 96


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
        (V, width), with a mean of 0 and rows whose lengths are 1 in root mean square.
    """
    processor = SentencePieceProcessor(model_file=str(tokenizer))
    no_units = csr_array((processor.get_piece_size(), 0))
    return piece_vectors(processor.encode(list(lines)), no_units, width) / np.float32(width**0.5)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    (place / "tokenizer.model").write_bytes(train_tokenizer(sample_text(place)))
