"""Entanglement as a picture: spectra, entropies, and how they go with senses and frequency."""

from pathlib import Path

from pipelines.plots import check_plot
from pipelines.spectrum import Spectrum


def plot_spectrum(spectrum: Spectrum, path: Path) -> None:
    """Draw a spectrum; without tables only its upper half.

    Raises:
        SeeError: see `check_plot`.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    grouped = [
        (name, frame, column)
        for name, frame, column in (
            ("terms of senses", "by_senses", "senses"),
            ("rank by frequency", "by_frequency", "frequency"),
        )
        if column in spectrum.pieces
    ]
    figure = Figure(figsize=(10, 4 * (1 + bool(grouped))), layout="constrained")
    axes = figure.subplots(1 + bool(grouped), 2, squeeze=False)
    for bond, values in zip(spectrum.bonds, spectrum.spectra, strict=True):
        axes[0, 0].semilogy(range(1, len(values) + 1), values.clip(1e-9), marker=".", label=bond)
        axes[0, 1].hist(spectrum.pieces[bond], bins=60, histtype="step", label=bond)
    axes[0, 0].set(xlabel="Schmidt value", ylabel="mean square")
    axes[0, 1].set(xlabel="entropy (bits)", ylabel="pieces")
    for place, (name, frame, _) in enumerate(grouped):
        means = getattr(spectrum, frame)()
        for bond in spectrum.bonds:
            axes[1, place].plot(means.iloc[:, 0].astype(str), means[bond], marker="o", label=bond)
        axes[1, place].set(xlabel=name, ylabel="mean entropy (bits)")
    if grouped and len(grouped) < 2:
        axes[1, 1].set_axis_off()
    axes[0, 0].legend()
    figure.suptitle(f"{len(spectrum.pieces):,} rows over sites {' × '.join(map(str, spectrum.sites))}")
    figure.savefig(path, dpi=120)
