"""What a terminal shows: tables, and progress on standard error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:  # see_tn.fitting.als loads torch
    from see_tn.fitting.als import Sweep

ERRORS = Console(stderr=True, soft_wrap=True, highlight=False)


def output() -> Console:
    """Standard output, as wide as it has to be where no terminal sets a width."""
    console = Console(highlight=False, emoji=False)
    return console if console.is_terminal else Console(highlight=False, emoji=False, width=200)


def frame_table(title: str, frame: pd.DataFrame, *, shares: tuple[str, ...] = ("share",)) -> Table:
    """Lay out a data frame: numbers to the right with thousands marked, the columns in `shares` in per cent."""
    table = Table(title=escape(title), title_justify="left", title_style="bold")
    for name in frame.columns:
        table.add_column(escape(str(name)), justify="right" if pd.api.types.is_numeric_dtype(frame[name]) else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value, share=name in shares) for name, value in zip(frame.columns, row, strict=True)))
    return table


def _cell(value: object, *, share: bool) -> str | Text:
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if share and isinstance(value, float):
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else Text(str(value))


@contextmanager
def _bar(total: int, unit: str) -> Iterator[Callable[[str, int], None]]:
    """A progress bar on standard error; nothing where that is no terminal. Call it with a text and what is done."""
    if not ERRORS.is_terminal:
        yield lambda _text, _done: None
        return
    columns = (TextColumn(unit), BarColumn(), TextColumn("{task.completed}/{task.total} {task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=ERRORS, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda text, done: progress.update(task, description=text, completed=done)


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """Show a job of `total` steps; call the result before each step with what it does."""
    with _bar(total, "step") as show:
        done = count()
        yield lambda text: show(text, next(done))


@contextmanager
def sweep_bar(total: int) -> Iterator[tuple["Callable[[Sweep], None]", Callable[[str], None]]]:
    """Show a fit: call the first for each sweep, the second with what is done before and after the sweeps."""
    with _bar(total, "sweep") as show:
        yield (
            lambda sweep: show(f"relative error {sweep.quality.relative_error:.4f}", sweep.number),
            lambda text: show(text, 0),
        )


@contextmanager
def stage_bar() -> Iterator[tuple[Callable[[str], None], Callable[[int, int, int, str], None]]]:
    """Show stages of training: call the first with what is done else, the second with stage, step, steps and a text."""
    if not ERRORS.is_terminal:
        yield (lambda _text: None), (lambda _stage, _step, _steps, _text: None)
        return
    columns = (TextColumn("{task.fields[stage]}"), BarColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=ERRORS, transient=True) as progress:
        task = progress.add_task("", total=None, stage="")

        def show(stage: int, step: int, steps: int, text: str) -> None:
            progress.update(
                task, stage=f"stage {stage}", description=f"{step}/{steps} {text}", completed=step, total=steps
            )

        yield (lambda text: progress.update(task, stage="", description=text, completed=0, total=None)), show
