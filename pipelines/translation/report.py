"""The benchmark's results as Markdown, JSON lines and a plot of BLEU against bytes."""

import json
import shlex
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pandas as pd

from pipelines.plots import check_plot
from pipelines.translation.cells import REFERENCE, SIZES
from pipelines.whole_files import write_text, write_whole

MARKDOWN, LINES, PLOT = "translation.md", "translation.jsonl", "translation.png"

GROUP = ["pair", "size", "ratio", "form", "way", "by"]
"""Columns that seeds are averaged within."""

ORDER = ("dense", "see", "pq", "units", "shuffled", "random", "low-rank", "word2ketxs", "morphte")

LEGEND = """\
| form | what it is |
|---|---|
| dense | an ordinary table; with two stages, trained further by its own distributions |
| see | what fits the dense table best: learned codes, alone or beside products of units of meaning and form; from \
scratch the codes are those of vectors that pieces get by the company they keep in the training text, by how they are \
translated there and by their units |
| pq | product quantisation of the dense table in 8 bits, trained further |
| units | products of units of meaning and form: the layer of the paper, its terms those of `see build` |
| shuffled | the same with each piece's units dealt to another piece, but for pieces with units of their own |
| random | the same with units drawn at random, but for pieces with units of their own |
| low-rank | a narrow table times a matrix; units computed from the piece's number: no index is counted |
| word2ketxs | products of the digits of a piece's number; units computed from the piece's number: no index is counted |
| morphte | products of three parts of a piece's text, one table for all |

Counted by parameters a layer is kept in float32 and has at most 1/ratio of the dense table's numbers, as papers \
count; since codes are no parameters, `see` is held to the bytes that so many float32 numbers and the index of its \
units take. By bytes everything that is stored counts, in 8 bits.
"""

HEAD = (
    "| form | way | counted | made of | BLEU | chrF | to dense | parameters | bytes | embedding: parameters, bytes "
    "| model: parameters, bytes | minutes | seeds |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
)


def check_report(folder: Path) -> None:
    """Refuse a report that could not be written, before long work starts.

    Raises:
        SeeError: matplotlib is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    check_plot(folder / PLOT)


def write_report(
    results: Sequence[dict[str, Any]],
    folder: Path,
    arguments: Sequence[str],
    n_cells: int,
    too_large: Sequence[dict[str, Any]] = (),
) -> None:
    """Write the three files of a report, with the command that made it.

    Args:
        results: as `run_cells` gives them.
        folder: where they go.
        arguments: the command's.
        n_cells: models that the command asks for.
        too_large: cells of which nothing is so small.
    """
    check_report(folder)
    ordered = sorted(results, key=_key)
    write_text(folder / LINES, "".join(json.dumps(result) + "\n" for result in ordered))
    write_text(folder / MARKDOWN, markdown(ordered, arguments, n_cells, too_large))
    plot(ordered, folder / PLOT)


def markdown(
    results: Sequence[dict[str, Any]],
    arguments: Sequence[str],
    n_cells: int,
    too_large: Sequence[dict[str, Any]] = (),
) -> str:
    """Lay results out as tables: for each pair and size BLEU at a glance, then all numbers for each ratio."""
    parts = [
        "# Translation with small embedding tables\n",
        _provenance(results, arguments, n_cells, len(too_large)),
        LEGEND,
    ]
    frame = summary(results)
    for (pair, size), table in frame.groupby(["pair", "size"], sort=False):
        parts.append(f"## {pair}, {size}\n")
        parts.append(_overview(table, [one for one in too_large if (one["pair"], one["size"]) == (pair, size)]))
        parts.append(_table(table))
    parts.append(f"![BLEU against bytes of the embedding]({PLOT})\n")
    return "\n".join(parts)


def summary(results: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """Average seeds: a row for each cell.

    `to_dense` is the mean difference of its BLEU to that of the dense model of the same pair, size and seed, over the
    seeds that both have; None where there is none.
    """
    rows: list[dict[str, Any]] = []
    cells: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    dense = {_seed(one): one["bleu"] for one in results if (one["form"], one["way"]) == ("dense", "scratch")}
    for result in sorted(results, key=_key):
        cells.setdefault(tuple(result[name] for name in GROUP), []).append(result)
    for key, seeds in cells.items():
        numbers = {name: _mean(one[name] for one in seeds) for name in _numbers(seeds[0])}
        spread = stdev(one["bleu"] for one in seeds) if len(seeds) > 1 else None
        to_dense = _mean(one["bleu"] - dense[_seed(one)] for one in seeds if _seed(one) in dense)
        about = {"layer": seeds[0].get("layer", "–"), "spread": spread, "seeds": len(seeds), "to_dense": to_dense}
        rows.append({**dict(zip(GROUP, key, strict=True)), **numbers, **about})
    return pd.DataFrame(rows)


def plot(results: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw BLEU against bytes of the embedding, a panel for each pair and size.

    Raises:
        SeeError: see `check_plot`.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    frame = summary(results)
    panels = list(frame.groupby(["pair", "size"], sort=False))
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(7 * columns, 6 * rows), layout="constrained")
    for place, ((pair, size), table) in enumerate(panels, 1):
        axes = figure.add_subplot(rows, columns, place)
        dense = table[table["form"] == "dense"]
        for way, bleu in zip(dense["way"], dense["bleu"], strict=True):
            axes.axhline(bleu, color="black", linewidth=1, linestyle="-" if way == "scratch" else ":")
        others = table[table["form"] != "dense"]
        for (form, way, by), line in others.groupby(["form", "way", "by"], sort=False):
            points = line.sort_values("bytes")
            axes.plot(
                points["bytes"],
                points["bleu"],
                label=f"{form}, {way}, by {by}",
                color=f"C{ORDER.index(form)}",
                marker="o" if way == "two-stage" else "x",
                markerfacecolor=None if by == "bytes" else "white",
                linestyle="-" if way == "two-stage" else "--",
            )
        axes.set(xscale="log", xlabel="bytes of the embedding", ylabel="BLEU", title=f"{pair}, {size} (line: dense)")
        if len(others):
            axes.legend(fontsize=7)
    write_whole(path, lambda place: figure.savefig(place, dpi=120))


def _overview(table: pd.DataFrame, too_large: Sequence[dict[str, Any]]) -> str:
    """BLEU alone: a line for each form, way and count, a column for each ratio; a dash where nothing is so small."""
    columns = ("way", "by", "form", "ratio")
    table = table.assign(by=table["by"].where(table["form"] != "dense", "–"))
    shown = {tuple(result[name] for name in columns): "–" for result in too_large}
    shown |= {tuple(row[name] for name in columns): f"{row['bleu']:.1f}" for row in table.to_dict("records")}
    ratios = sorted({ratio for *_, ratio in shown})
    lines = [
        "| BLEU | way | counted | " + " | ".join("dense" if ratio == 1 else f"{ratio:g}×" for ratio in ratios) + " |",
        "|---|---|---|" + "---|" * len(ratios),
    ]
    for way, by, form in product(("two-stage", "scratch"), ("–", "bytes", "parameters"), ORDER):
        cells = [shown.get((way, by, form, ratio), "") for ratio in ratios]
        lines += [f"| {form} | {way} | {by} | {' | '.join(cells)} |"] if any(cells) else []
    return "\n".join([*lines, ""])


def _table(table: pd.DataFrame) -> str:
    lines = []
    for ratio, part in table.groupby("ratio", sort=True):
        lines.append(f"### {'The dense model' if ratio == 1 else f'{ratio:g} times smaller'}\n")
        lines.extend(HEAD)
        lines.extend(_line(row) for row in part.to_dict("records"))
        lines.append("")
    return "\n".join(lines)


def _line(row: dict[Any, Any]) -> str:
    interval = row["spread"] if row["seeds"] > 1 else row["bleu_interval"]
    about = "" if pd.isna(interval) else f" ± {interval:.1f}"
    cells = (
        row["form"],
        row["way"],
        "–" if row["form"] == "dense" else row["by"],
        row["layer"],
        f"{row['bleu']:.1f}{about}",
        f"{row['chrf']:.1f}",
        "–" if pd.isna(row["to_dense"]) else f"{row['to_dense']:+.1f}",
        f"{row['parameters']:,.0f}",
        f"{row['bytes']:,.0f}",
        f"{row['parameter_ratio']:.1f}×, {row['byte_ratio']:.1f}×",
        f"{row['model_parameter_ratio']:.2f}×, {row['model_byte_ratio']:.2f}×",
        f"{row['seconds'] / 60:.1f}",
        str(row["seeds"]),
    )
    return f"| {' | '.join(cells)} |"


def _provenance(results: Sequence[dict[str, Any]], arguments: Sequence[str], n_cells: int, n_too_large: int) -> str:
    made = [result.get("made", {}) for result in results]
    known = {name: sorted({str(one[name]) for one in made if name in one}) for name in ("commit", "machine", "recipe")}
    seeds = sorted({result["seed"] for result in results})
    n_same = sum("same_as" in result for result in results)
    lines = [
        f"`see translate-bench {shlex.join(arguments)}`",
        "",
        f"- models: {len(results)} in this report, and {n_too_large} of forms of which nothing is so small (–); the "
        f"command asks for {n_cells}; {n_same} start from the same layer as another one and were not "
        "trained again (`same_as` in the raw results)",
        f"- commits of the runs: {', '.join(known['commit'])}; seeds {', '.join(map(str, seeds))}",
        *(f"- machine: {machine}" for machine in known["machine"]),
        *(f"- recipe: `{recipe}`" for recipe in known["recipe"]),
        f"- rates of a recipe are for base, d = {REFERENCE}; the other sizes take them times {REFERENCE} by their d: "
        + ", ".join(f"{name} {size.width}" for name, size in SIZES.items() if size.width != REFERENCE),
        *(f"- `{signature}`" for signature in sorted({result["bleu_signature"] for result in results})),
        *(f"- `{signature}`" for signature in sorted({result["chrf_signature"] for result in results})),
        "- BLEU is the mean over a model's seeds, as many as the last column says",
        "- ± is half of the 95 % bootstrap interval of one run, or the standard deviation over several seeds",
        "- to dense is the mean difference to the dense models of the same seeds",
        "- minutes are those of training, the making of the layer included, without the teacher's",
        "",
    ]
    return "\n".join(lines)


def _numbers(result: dict[str, Any]) -> list[str]:
    kept = [name for name, value in result.items() if value is None or type(value) in (int, float)]
    return [name for name in kept if name not in (*GROUP, "seed")]


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _seed(result: dict[str, Any]) -> tuple[Any, ...]:
    """What a result shares with the dense model that it is compared with."""
    return result["pair"], result["size"], result["seed"]


def _key(result: dict[str, Any]) -> tuple[Any, ...]:
    form = ORDER.index(result["form"]) if result["form"] in ORDER else len(ORDER)
    return (
        *(result["pair"], result["size"], result["ratio"], result["way"] != "two-stage"),
        *(form, result["by"], result["seed"]),
    )
