"""Results that people would rather look at, as pictures. Needs the extra `plots`."""

from pathlib import Path

from pipelines.init import InitReport
from see_kb.errors import SeeError


def check_plot(path: Path) -> None:
    """Refuse a picture that could not be drawn, before long work starts.

    Raises:
        SeeError: matplotlib is not installed, or the place or the ending of the path does not do.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise SeeError("plots need the package matplotlib; pip install 'see-embeddings[plots]'") from error
    if path.suffix not in (".png", ".svg", ".pdf"):
        raise SeeError(f"{path}: plots are .png, .svg or .pdf; name such a file")
    if not path.parent.is_dir():
        raise SeeError(f"{path}: its folder does not exist; make it first")


def plot_methods(report: InitReport, path: Path) -> None:
    """Draw the relative error of the fit and of the other methods, those above the budget in grey.

    Raises:
        SeeError: see `check_plot`.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    methods = sorted((report.made, *report.baselines), key=lambda method: method.bytes, reverse=True)
    names = [f"{method.name}\n{method.bytes / 1e6:.2f} MB, {method.ratio:.1f}×" for method in methods]
    colours = [
        "tab:red" if method is report.made else "lightgrey" if method.bytes > report.budget_bytes else "tab:blue"
        for method in methods
    ]
    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    bars = axes.barh(names, [method.relative_error or 0.0 for method in methods], color=colours)
    axes.bar_label(bars, fmt="%.3f", padding=3)
    axes.set_xlim(0, 1.1)
    axes.set_xlabel("relative error of the table")
    axes.set_title(
        f"{report.spec.n_pieces:,} × {report.spec.width} in {report.budget_bytes / 1e6:.2f} MB (grey: in more)"
    )
    figure.savefig(path, dpi=120)
