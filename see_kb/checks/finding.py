"""What a rule says when it is broken."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule that something breaks.

    `place` says where (a sense with its words and number, a sememe, a piece), `detail` is what breaks the rule, and
    `sense_id` is the sense's place in its dictionary, or -1 where the rule is not about senses.
    """

    code: str
    sense_id: int
    detail: str
    place: str = ""
