"""A report of factors laid out for people."""

import pandas as pd
from rich.table import Table

from pipelines.console import frame_table
from pipelines.init import InitReport


def init_summary(report: InitReport) -> str:
    """Say what factors were made, how large they are, and where they lie."""
    shape, made = report.shape, report.made
    sites = " × ".join(map(str, shape.sites))
    lines = [
        f"{report.n_pieces:,} rows of {shape.width} as {sites}, {shape.form} of rank {shape.rank}, "
        f"over {' + '.join(f'{n:,}' for n in report.n_units)} units at the sites",
        f"compression: {report.parameter_ratio:.1f}× in parameters ({report.parameters:,} for "
        f"{report.n_pieces * shape.width:,}), {made.ratio:.1f}× in bytes ({made.bytes:,} for "
        f"{report.n_pieces * shape.width * 4:,}; {report.index_bytes:,} of them the index)",
    ]
    if report.fit is not None:
        last = report.fit.sweeps[-1]
        lines.append(
            f"fit: relative error {made.relative_error:.4f}, mean cosine {made.mean_cosine:.4f}, "
            f"after {last.number} sweeps in {last.seconds:.1f} s ({report.fit.stopped_because})"
        )
    lines.append(f"{report.folder}: factors.safetensors, config.json, report.json; read them with")
    lines.append(f'  see_tn.layer.checkpoint.load_embedding("{report.folder}")')
    return "\n".join(lines)


def methods_table(report: InitReport) -> Table:
    """Lay out the fit beside other methods: those within the budget first, by error."""
    methods = sorted(
        [report.made, *report.baselines],
        key=lambda method: (method.bytes > report.budget_bytes, method.relative_error or 0.0),
    )
    columns = ["name", "bytes", "ratio", "relative_error", "mean_cosine", "note"]
    frame = pd.DataFrame([{name: getattr(method, name) for name in columns} for method in methods])
    return frame_table(f"The same table by other methods in {report.budget_bytes:,} bytes", frame)
