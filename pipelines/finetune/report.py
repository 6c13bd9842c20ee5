"""What a finetuning run came to."""

from dataclasses import dataclass, fields
from pathlib import Path

from pipelines.whole_files import read_json
from see_kb.errors import FormatError

REPORT, MODEL = "report.json", "model"
REMEDY = "name a new folder to train again"


@dataclass(frozen=True)
class FinetuneReport:
    """What a run came to; cross-entropies are means over the pieces of the texts kept apart, in nats."""

    teacher: float | None
    before: float | None
    after_stage_1: float | None
    after: float
    steps_1: int
    steps_2: int
    seconds: float
    sizes: dict[str, int | float]

    @classmethod
    def read(cls, out: Path) -> "FinetuneReport":
        """Read the report of a run that is done.

        Raises:
            FormatError: it is damaged.
        """
        values = read_json(out / REPORT, REMEDY)
        if values.keys() != {field.name for field in fields(cls)}:
            raise FormatError(f"{out / REPORT}: damaged (no report of a run); {REMEDY}")
        return cls(**values)

    def in_words(self, out: Path) -> str:
        """Sum a run up for a reader."""
        after_1 = (
            "" if self.after_stage_1 is None else f", {self.after_stage_1:.4f} after {self.steps_1} steps of stage 1"
        )
        before = "unknown" if self.before is None else f"{self.before:.4f}"
        teacher = "" if self.teacher is None else f" (the teacher: {self.teacher:.4f})"
        return (
            f"{out / MODEL}: {self.sizes['parameter_ratio']:.1f} times fewer parameters of the embedding, "
            f"{self.sizes['byte_ratio']:.1f} times fewer bytes than in float32\n"
            f"cross-entropy on texts kept apart: {before}{after_1}, {self.after:.4f} after {self.steps_2} "
            f"steps of stage 2{teacher}"
        )
