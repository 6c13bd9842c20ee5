"""What a terminal shows: tables, progress on standard error, and one line for an error."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:  # see_tn.fit loads torch
    from see_tn.fit import Sweep

ERRORS = Console(stderr=True, soft_wrap=True, highlight=False)


def output() -> Console:
    """Standard output, as wide as it has to be where no terminal sets a width."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def frame_table(title: str, frame: pd.DataFrame, *, shares: tuple[str, ...] = ("share",)) -> Table:
    """Lay out a data frame: numbers to the right with thousands marked, the columns in `shares` in per cent."""
    table = Table(title=title, title_justify="left", title_style="bold")
    for name in frame.columns:
        table.add_column(name, justify="right" if pd.api.types.is_numeric_dtype(frame[name]) else "left")
    for row in frame.itertuples(index=False):
        table.add_row(*(_cell(value, share=name in shares) for name, value in zip(frame.columns, row, strict=True)))
    return table


def _cell(value: object, *, share: bool) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and pd.isna(value)):
        return "–"
    if share and isinstance(value, float):
        return f"{value:.1%}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def steps(total: int) -> Iterator[Callable[[str], None]]:
    """Show a bar of `total` steps on standard error, if that is a terminal; call the result before each step."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"))
    with Progress(*columns, TimeElapsedColumn(), console=ERRORS, transient=True) as progress:
        task = progress.add_task("", total=total)
        started = False

        def step(description: str) -> None:
            nonlocal started
            progress.update(task, description=description, advance=int(started))
            started = True

        yield step


@contextmanager
def sweep_bar(total: int) -> Iterator["Callable[[Sweep], None]"]:
    """Show a fit's sweeps and its error on standard error, if that is a terminal."""
    columns = (TextColumn("sweep"), BarColumn(), TextColumn("{task.completed}/{task.total}  {task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=ERRORS, transient=True) as progress:
        task = progress.add_task("", total=total)
        yield lambda sweep: progress.update(
            task, completed=sweep.number, description=f"relative error {sweep.quality.relative_error:.4f}"
        )
