"""A report of factors laid out for people."""

import pandas as pd
from rich.table import Table

from pipelines.console import frame_table
from pipelines.init import InitReport
from see_tn.chain.shapes import dense_bytes
from see_tn.layer.spec import ProductSpec
from see_tn.planning.alternative import Alternative

COLUMNS = ("name", "bytes", "ratio", "parameters", "units_per_site", "code_share", "work_per_column", "relative_error")


def init_summary(report: InitReport) -> str:
    """Say what factors were made, how large they are, and where they lie."""
    spec, made = report.spec, report.made
    lines = [f"{spec.n_pieces:,} rows of {spec.width}: {made.name}"]
    if spec.product is not None:
        lines.append(_product_line(spec.product))
    lines.append(
        f"compression: {report.parameter_ratio:.1f}× in parameters ({spec.parameters:,} for "
        f"{spec.n_pieces * spec.width:,}), {made.ratio:.1f}× in bytes ({made.bytes:,} for "
        f"{dense_bytes(spec.n_pieces, spec.width):,}; {report.index_bytes:,} of them the products' index)"
    )
    if made.relative_error is not None:
        lines.append(f"fit: relative error {made.relative_error:.4f}, mean cosine {made.mean_cosine:.4f}")
    if report.fit is not None:
        last = report.fit.sweeps[-1]
        lines.append(
            f"products: {last.number} sweeps in {last.seconds:.1f} s, relative error "
            f"{last.quality.relative_error:.4f} alone ({report.fit.stopped_because})"
        )
    if spec.product is None:
        lines.append(
            "no products: at this size codes alone fit best; --terms products makes factors of meanings to train"
        )
    lines.append(f"{report.folder}: factors.safetensors, config.json, report.json; read them with")
    lines.append(f'  see_tn.layer.checkpoint.load_embedding("{report.folder}")')
    return "\n".join(lines)


def _product_line(product: ProductSpec) -> str:
    units = " + ".join(f"{n:,}" for n in product.n_units)
    return f"products: up to {product.n_terms} terms a row, over {units} units"


def alternatives_table(title: str, alternatives: tuple[Alternative, ...]) -> Table:
    """Lay out the ways to spend a budget that were weighed, the chosen one first."""
    frame = pd.DataFrame([alternative.as_dict() for alternative in alternatives]).astype({"units_per_site": "Int64"})
    return frame_table(title, frame[list(COLUMNS)], shares=("code_share",))


def methods_table(report: InitReport) -> Table:
    """Lay out the fit beside other methods: those within the budget first, by error."""
    methods = sorted(
        [report.made, *report.baselines],
        key=lambda method: (method.bytes > report.budget_bytes, method.relative_error or 0.0),
    )
    columns = ["name", "bytes", "ratio", "relative_error", "mean_cosine", "note"]
    frame = pd.DataFrame([{name: getattr(method, name) for name in columns} for method in methods])
    return frame_table(f"The same table by other methods in {report.budget_bytes:,} bytes", frame)
