"""A pair's joint SentencePiece vocabulary, and sentences as its pieces."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import sentencepiece as spm

from pipelines.parallel_text import ParallelText
from see_kb.errors import SeeError
from see_tn.training.batches import Examples

PAD, UNKNOWN, END = 0, 1, 2
LONGEST = 128
"""Pieces of a sentence beyond which it is cut."""


def train_vocabulary(text: ParallelText, n_pieces: int, out: Path) -> None:
    """Train a unigram model (Kudo, arXiv 1804.10959) on both languages; equal text gives equal bytes.

    Raises:
        SeeError: the text is too little for as many pieces.
    """
    model = BytesIO()
    try:
        spm.SentencePieceTrainer.train(
            sentence_iterator=iter([*text.sources, *text.targets]),
            model_writer=model,
            vocab_size=n_pieces,
            model_type="unigram",
            character_coverage=0.9995,
            pad_id=PAD,
            unk_id=UNKNOWN,
            bos_id=-1,
            eos_id=END,
            num_threads=1,  # with more the result depends on their number
            minloglevel=2,
        )
    except RuntimeError as error:
        remedy = "more" if "required_chars" in str(error) else "fewer"
        raise SeeError(f"{n_pieces} pieces from {len(text)} sentences: {error}; ask for {remedy} pieces") from error
    out.write_bytes(model.getvalue())


class Encoder:
    """Sentences to piece ids and back.

    Args:
        path: a model made by `train_vocabulary`.
    """

    def __init__(self, path: Path) -> None:
        self._model = spm.SentencePieceProcessor(model_file=str(path))
        self.n_pieces: int = self._model.get_piece_size()

    def encode(self, sentences: Sequence[str]) -> list[list[int]]:
        """The piece ids of each sentence, cut to `LONGEST`, with the end's."""
        return [[*ids[: LONGEST - 1], END] for ids in self._model.encode(list(sentences))]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        """The sentences of piece ids, each up to its end."""
        ended = [list(row[: row.index(END)]) if END in row else list(row) for row in map(list, ids)]
        return list(self._model.decode([[piece for piece in row if piece != PAD] for row in ended]))

    def examples(self, text: ParallelText) -> Examples:
        """Encode both sides for training."""
        return Examples(self.encode(text.sources), self.encode(text.targets), pad=PAD, start=PAD)
