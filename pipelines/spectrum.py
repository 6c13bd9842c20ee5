"""How entangled rows are: entropies at each bond, and how they go with senses and with frequency."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from see_kb.errors import SeeError
from see_kb.tables.store import read_table
from see_tn.chain.shapes import balanced_sites
from see_tn.layer.checkpoint import load_embedding
from see_tn.layer.embedding import EntangledEmbedding
from see_tn.spectrum.schmidt import bond_entropies

CHUNK = 2048  # rows at a time
BANDS = (100, 1_000, 10_000)
"""Ranks by frequency at which a band ends; the rest is the last one."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Entropies of entanglement, in bits.

    Attributes:
        sites: how the columns are laid out; bond k lies behind the first k sites.
        pieces: a row a piece: `piece_id`, `bond_1`, ..., and from the tables `piece`, `senses`, `frequency`.
        spectra: for each bond the mean squared Schmidt values, the largest first.
    """

    sites: tuple[int, ...]
    pieces: pd.DataFrame
    spectra: tuple[NDArray[np.float64], ...]

    @property
    def bonds(self) -> list[str]:
        """The columns with entropies."""
        return [f"bond_{bond}" for bond in range(1, len(self.sites))]

    def by_bond(self) -> pd.DataFrame:
        """Mean, quantiles and correlations of each bond's entropies; the mean effective rank is 2 to their power."""
        rows = []
        for name in self.bonds:
            values = self.pieces[name]
            row = {"bond": name, "mean": values.mean(), "median": values.median()}
            row |= {"p05": values.quantile(0.05), "p95": values.quantile(0.95)}
            row["effective_rank"] = np.exp2(values).mean()
            for other in ("senses", "frequency"):
                if other in self.pieces:
                    row[f"spearman_{other}"] = _spearman(values, self.pieces[other])
            rows.append(row)
        return pd.DataFrame(rows)

    def by_senses(self) -> pd.DataFrame:
        """Mean entropies by the number of sense terms of a piece."""
        return (
            self.pieces.groupby("senses")[self.bonds]
            .mean()
            .assign(pieces=self.pieces.groupby("senses").size())
            .reset_index()
        )

    def by_frequency(self) -> pd.DataFrame:
        """Mean entropies by bands of frequency ranks; pieces that do not occur come last."""
        occurring = self.pieces["frequency"] > 0
        ranks = self.pieces["frequency"].rank(ascending=False, method="first").where(occurring)
        edges = [0, *BANDS, max(len(ranks), BANDS[-1] + 1)]
        bands = pd.cut(ranks, edges, labels=[f"to {edge:,}" for edge in edges[1:]])
        bands = bands.cat.add_categories("none").fillna("none")
        grouped = self.pieces.groupby(bands, observed=True)
        return grouped[self.bonds].mean().assign(pieces=grouped.size()).rename_axis("band").reset_index()

    def as_dict(self) -> dict[str, Any]:
        """Give plain values, for JSON; single pieces are left out."""
        result: dict[str, Any] = {
            "sites": list(self.sites),
            "bonds": _records(self.by_bond()),
            "spectra": [spectrum.tolist() for spectrum in self.spectra],
        }
        if "senses" in self.pieces:
            result["by_senses"] = _records(self.by_senses())
        if "frequency" in self.pieces:
            result["by_frequency"] = _records(self.by_frequency())
        return result


def measure_spectrum(
    source: Path | NDArray[np.float32], tables: Path | None = None, order: int | None = None
) -> Spectrum:
    """Measure the entropies of all rows of a folder of factors, or of a dense table.

    Args:
        source: a folder that `save_embedding` wrote, or a table (V, d).
        tables: a folder made by `build_tables` for the same tokenizer: adds pieces, senses and frequencies.
        order: sites that columns are laid out on; without it, those of the factors' products, or 2 where there are
            no products, or only one site.
    Raises:
        SeeError: the tables are of another vocabulary.
        FactorError: the factors cannot be read, or a row holds a number that is not finite.
    """
    if isinstance(source, Path):
        layer = load_embedding(source)
        width, sites = layer.embedding_dim, None if layer.product is None else layer.product.shape.sites
        chunks = _rows(layer)
    else:
        width, sites = source.shape[1], None
        chunks = iter(torch.split(torch.from_numpy(source), CHUNK))
    if sites is None or len(sites) < 2 or order is not None:
        sites = balanced_sites(width, order or 2)
    entropies, spectra = bond_entropies(chunks, sites)
    frame = pd.DataFrame({f"bond_{bond + 1}": entropies[:, bond].numpy() for bond in range(entropies.shape[1])})
    frame.insert(0, "piece_id", np.arange(len(frame)))
    if tables is not None:
        frame = _with_tables(frame, tables)
    return Spectrum(sites, frame, tuple(spectrum.double().numpy() for spectrum in spectra))


def _rows(layer: EntangledEmbedding) -> Iterator[Tensor]:
    with torch.no_grad():
        for ids in torch.split(torch.arange(layer.num_embeddings), CHUNK):
            yield layer.rows_for(ids)


def _with_tables(frame: pd.DataFrame, tables: Path) -> pd.DataFrame:
    pieces = read_table(tables, "pieces").select(["piece_id", "piece"]).to_pandas()
    if len(pieces) != len(frame):
        raise SeeError(f"{tables}: {len(pieces)} pieces, the rows are {len(frame)}; name its tokenizer's tables")
    terms = read_table(tables, "unit_rows").column("piece_id").to_pandas().value_counts()
    frame = frame.merge(pieces, on="piece_id")
    frame["senses"] = frame["piece_id"].map(terms).fillna(1).astype(int) - 1
    counts = read_table(tables, "frequencies").select(["piece_id", "frequency"]).to_pandas()
    return frame.merge(counts, on="piece_id") if len(counts) else frame  # empty without a list of words


def _spearman(values: "pd.Series[float]", others: "pd.Series[float]") -> float:
    """Spearman's rank correlation; not a number where one of the two is constant."""
    if values.nunique() < 2 or others.nunique() < 2:
        return float("nan")
    return float(spearmanr(values, others).statistic)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values, None for what is not a number: JSON has no such numbers."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [dict(zip(frame.columns, row, strict=True)) for row in plain.itertuples(index=False)]
