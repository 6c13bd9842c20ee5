"""Pairs of words with human scores of similarity: how well a formula agrees with people.

A file has a pair a line, two words and a number, split by tabs (or commas, in a `.csv` file); a first line whose third
column is no number is a header.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from see_kb.errors import FormatError
from see_kb.knowledge.base import Formula, KnowledgeBase
from see_kb.sources.files import decode_text, read_bytes


@dataclass(frozen=True)
class ScoredPair:
    """Two words and the score that people gave them."""

    first: str
    second: str
    score: float


@dataclass(frozen=True)
class Agreement:
    """How the formulas' similarities rank the pairs against people's scores.

    `spearman` has Spearman's rank correlation for each formula over the `n_covered` pairs of which both words are
    listed; it is None where fewer than two are, or all are alike. `similarities` has a row for each pair.
    """

    n_pairs: int
    n_covered: int
    spearman: dict[str, float | None]
    similarities: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """Give the figures as plain values, for JSON."""
        coverage = round(self.n_covered / self.n_pairs, 4)
        return {"pairs": self.n_pairs, "covered": self.n_covered, "coverage": coverage, "spearman": self.spearman}


def read_pairs(path: Path) -> list[ScoredPair]:
    """Read a file of pairs.

    Raises:
        SeeError: the file cannot be read.
        FormatError: it holds no pair, or a line is none.
    """
    split = "," if path.suffix == ".csv" else "\t"
    lines = [line for line in enumerate(decode_text(read_bytes(path), path).split("\n"), 1) if line[1].strip()]
    pairs = []
    for place, (number, line) in enumerate(lines):
        columns = [column.strip() for column in line.split(split)]
        score = _number(columns[2]) if len(columns) > 2 else None
        if score is not None and columns[0] and columns[1]:
            pairs.append(ScoredPair(columns[0], columns[1], score))
        elif place or len(columns) < 3:
            raise FormatError(f"{path}:{number}: no line WORD<tab>WORD<tab>NUMBER; mend it")
    if not pairs:
        raise FormatError(f"{path}:1: holds no pair; give lines WORD<tab>WORD<tab>NUMBER")
    return pairs


def measure_agreement(kb: KnowledgeBase, pairs: list[ScoredPair]) -> Agreement:
    """Compare each formula's similarities with people's scores."""
    words = [(pair.first, pair.second) for pair in pairs]
    columns = {formula: kb.similarity(words, formula) for formula in get_args(Formula)}
    rows = [
        {"first": pair.first, "second": pair.second, "score": pair.score}
        | {formula: values[place] for formula, values in columns.items()}
        for place, pair in enumerate(pairs)
    ]
    covered = [row for row in rows if all(row[formula] is not None for formula in columns)]
    spearman = {formula: _spearman(covered, formula) for formula in columns}
    return Agreement(len(rows), len(covered), spearman, rows)


def _spearman(rows: list[dict[str, Any]], formula: str) -> float | None:
    from scipy.stats import spearmanr

    scores, values = [row["score"] for row in rows], [row[formula] for row in rows]
    if len(set(scores)) < 2 or len(set(values)) < 2:
        return None
    return round(float(spearmanr(scores, values).statistic), 4)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
