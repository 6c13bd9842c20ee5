"""The main job on bundled data: tables, coverage and factors from the bundled lexicon and tokenizer."""

from dataclasses import dataclass
from pathlib import Path

from pipelines.build import BuildInputs, BuildReport, Progress, build_tables, sample_tokenizer
from pipelines.init import InitOptions, InitReport, init_fitted
from pipelines.sample import sample_teacher, sample_text
from see_kb.tables.coverage import Coverage, measure_coverage

DEMO_OPTIONS = InitOptions(ratio=8.0, terms="products")


@dataclass(frozen=True)
class DemoReport:
    """What the demo made."""

    build: BuildReport
    coverage: Coverage
    init: InitReport


def run_demo(
    tables: Path,
    factors: Path,
    *,
    overwrite: bool = False,
    progress: Progress = lambda _: None,
) -> DemoReport:
    """Build tables and factors from bundled data; the teacher is a small table counted from bundled text.

    Raises:
        FactorError: a folder exists and may not be overwritten, or cannot be written.
    """
    build = build_tables(BuildInputs(), tables, overwrite=overwrite, progress=progress)
    coverage = measure_coverage(tables)
    progress("fitting factors")
    teacher = sample_teacher(sample_tokenizer(), sample_text())
    init = init_fitted(tables, factors, teacher, DEMO_OPTIONS, overwrite=overwrite)
    return DemoReport(build, coverage, init)
