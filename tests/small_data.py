"""A dictionary, an affix table and a vocabulary small enough to know by heart, and how to write them to files."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sentencepiece import sentencepiece_model_pb2

if TYPE_CHECKING:
    from pipelines.build import BuildInputs


def record(number: int, zh: str, en: str, pos: str, *definitions: str) -> str:
    """Spell one record in HowNet's text format, the blank line behind it included."""
    lines = [f"NO.={number:06}", f"W_C={zh}", f"G_C={pos}", f"W_E={en}", f"G_E={pos}"]
    return "\n".join([*lines, *(f"DEF={definition}" for definition in definitions), "RMK=", "", ""])


SENSES = (
    record(1, "人", "man", "noun", "{human|人}"),
    record(
        2, "医生", "doctor", "noun", "{human|人:HostOf={Occupation|职位},domain={medical|医},{cure|医治:agent={~}}}"
    ),
    record(3, "打破", "break", "verb", "{break|折断}"),
    record(4, "中断", "break", "noun", "{pause|暂停}"),
    record(5, "高兴", "happy", "adj", "{joyful|喜悦}"),
    record(6, "狗", "dog", "noun", "{livestock|牲畜}"),
    record(7, "火", "fire", "noun", "{fire|火}"),
    record(8, "车", "car", "noun", "{LandVehicle|车}"),
    record(9, "中国", "China", "noun", '{place|地方:belong="China|中国"}'),
    record(10, "房子", "house", "noun", "{house|房屋}"),
)
"""Ten senses."""

BAD_RECORD = record(11, "坏", "broken", "adj", "{bad|坏")
HOWNET = "".join(SENSES) + BAD_RECORD
"""The senses, and a record whose definition is never closed."""

BAD_RECORD_LINE = 8 * len(SENSES) + 6
"""The line of its DEF: each record before it has seven lines and a blank one."""

AFFIXES = "".join(
    (
        record(1, "", "un-", "prefix", "{neg|否}"),
        record(2, "", "re-", "prefix", "{again|再}"),
        record(3, "", "-able", "suffix", "{able|能}"),
        record(4, "", "-ness", "suffix", "{Attribute|属性}"),
        record(5, "", "-er", "suffix", "{human|人}"),
    )
)

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)

PIECES: tuple[tuple[str, int, str], ...] = (
    ("<unk>", UNKNOWN, "special"),
    ("<s>", CONTROL, "special"),
    ("</s>", CONTROL, "special"),
    ("▁man", NORMAL, "exact"),
    ("▁dogs", NORMAL, "inflection"),
    ("▁break", NORMAL, "exact"),
    ("able", NORMAL, "morpheme"),
    ("▁unbreakable", NORMAL, "decomposed"),
    ("人", NORMAL, "exact"),
    ("医生", NORMAL, "exact"),
    ("醫生", NORMAL, "normalised"),
    ("▁Doctor", NORMAL, "normalised"),
    ("7", NORMAL, "digit"),
    (",", NORMAL, "punctuation"),
    ("▁zxq", NORMAL, "none"),
    ("ab", NORMAL, "none"),
    ("aab", NORMAL, "none"),
    ("abb", NORMAL, "none"),
    ("▁", NORMAL, "punctuation"),
    ("火车", NORMAL, "decomposed"),
    ("[/x]", USER_DEFINED, "none"),
    ("<pad>", UNUSED, "special"),
    *((f"<0x{byte:02X}>", BYTE, "byte") for byte in range(256)),
)
"""The small vocabulary: each piece, its type in SentencePiece's files, and the rule that must align it."""


def sentencepiece_model(pieces: Sequence[tuple[str, int]], *, dummy_prefix: bool = True) -> bytes:
    """Spell a SentencePiece unigram model with these pieces and types, all of one score."""
    model = sentencepiece_model_pb2.ModelProto()
    model.trainer_spec.model_type = 1
    model.trainer_spec.vocab_size = len(pieces)
    model.trainer_spec.byte_fallback = any(kind == BYTE for _, kind in pieces)
    model.normalizer_spec.add_dummy_prefix = dummy_prefix
    for text, kind in pieces:
        model.pieces.add(piece=text, score=-1.0, type=kind)
    return model.SerializeToString(deterministic=True)


def small_inputs(folder: Path) -> "BuildInputs":
    """Write the small files into a folder and name them as the inputs of a build."""
    from pipelines.build import BuildInputs

    hownet, morphemes, tokenizer = folder / "words.txt", folder / "affixes.txt", folder / "small.model"
    hownet.write_text(HOWNET, encoding="utf-8")
    morphemes.write_text(AFFIXES, encoding="utf-8")
    tokenizer.write_bytes(sentencepiece_model([piece[:2] for piece in PIECES]))
    return BuildInputs((hownet,), tokenizer, morphemes=morphemes, only=True)
