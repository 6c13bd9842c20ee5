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
    """Draw relative error against size for the fit and for the other methods, and the budget as a line.

    Raises:
        SeeError: see `check_plot`.
    """
    check_plot(path)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.add_subplot()
    for method in (report.made, *report.baselines):
        place = (method.bytes / 1e6, method.relative_error or 0.0)
        axes.scatter(*place, color="tab:red" if method is report.made else "tab:blue", zorder=2)
        axes.annotate(method.name, place, xytext=(5, 4), textcoords="offset points")
    axes.axvline(report.budget_bytes / 1e6, color="grey", linestyle="--", zorder=1)
    axes.set_xlabel(f"megabytes stored (dense float32: {report.n_pieces * report.shape.width * 4 / 1e6:.1f})")
    axes.set_ylabel("relative error of the table")
    axes.set_ylim(0, 1.05)
    axes.margins(x=0.2)
    figure.savefig(path, dpi=120)
