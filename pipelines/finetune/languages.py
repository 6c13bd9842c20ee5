"""Models of several languages (mBART, NLLB, M2M100): a piece beside each text names its language.

Their `tokenizer.json` puts the piece of one language around every text: it gives way to that of the source or of the
target.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.finetune.options import Languages
from pipelines.finetune.special_ids import SpecialIds
from pipelines.finetune.tokenizer import Encoders
from see_kb.errors import SeeError
from see_kb.vocabulary.encoders import Encode
from see_kb.vocabulary.reader import read_vocabulary

STARTING_WITH_THE_END = frozenset({"mbart", "plbart"})
"""Types of models whose decoders begin with the last piece of the target; others' begin with what the config names."""

WITH_LANGUAGES = STARTING_WITH_THE_END | {"m2m_100", "nllb-moe"}
"""Types of models whose texts have a piece for their language."""


def with_languages(
    encoders: Encoders, special: SpecialIds, languages: Languages | None, config: Path, model_type: str
) -> tuple[Encoders, SpecialIds]:
    """Put each side's language around its texts, and tell what a decoder begins with.

    Args:
        encoders: of the model's tokenizer.
        special: the config's pieces.
        languages: of the sources and of the targets; None where the text itself names them, or the model has one.
        config: the config's file.
        model_type: as it names it.
    Raises:
        SeeError: the languages are not those of the tokenizer, or it takes one for both sides; the config does not
            tell what targets begin with; or the model does not name languages.
    """
    if model_type not in WITH_LANGUAGES:
        if languages is not None:
            raise SeeError(f"{config}: {model_type} names no languages; leave --source-language and its like out")
        return encoders, special
    own = _language_around(encoders, special)
    if languages is None:
        _check_without(encoders, own, special, config)
        return encoders, special
    if own is None:
        raise SeeError(
            f"{encoders.file}: puts no language around texts; write the languages' pieces into the text, and leave "
            "--source-language and its like out"
        )
    pieces = read_vocabulary(encoders.file).pieces
    # A name such as `de` may be a piece of words: those of languages are of the kind that the tokenizer's own one is.
    ids = {piece.piece: piece.piece_id for piece in pieces if piece.kind == pieces[own].kind}
    for name in (languages.source, languages.target):
        if name not in ids:
            named = pieces[own].piece
            raise SeeError(
                f"{encoders.file}: no piece {name!r} for a language; name it as the tokenizer does: {named!r}"
            )
    targets = _instead(encoders.targets, own, ids[languages.target])
    if model_type in STARTING_WITH_THE_END:
        special = replace(special, decoder_start=targets([""])[0][-1])
    return replace(encoders, sources=_instead(encoders.sources, own, ids[languages.source]), targets=targets), special


def _language_around(encoders: Encoders, special: SpecialIds) -> int | None:
    """The piece beside every text that is neither its beginning nor its end."""
    return next((piece for piece in encoders.sources([""])[0] if piece not in (special.begin, special.end)), None)


def _check_without(encoders: Encoders, own: int | None, special: SpecialIds, config: Path) -> None:
    if own is not None:
        raise SeeError(
            f"{encoders.file}: puts piece {own} around every text, as for one language; name both with "
            "--source-language and --target-language"
        )
    if special.decoder_start is None:
        raise SeeError(f"{config}: decoder_start_token_id is null; give it the piece of the targets' language")


def _instead(encode: Encode, own: int, wanted: int) -> Encode:
    def encode_for_language(texts: Sequence[str]) -> Sequence[Sequence[int]]:
        return [[wanted if piece == own else piece for piece in ids] for ids in encode(texts)]

    return encode_for_language
