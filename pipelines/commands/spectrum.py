"""The command that measures entanglement: `spectrum`."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.factors import Tensor
from pipelines.commands.options import FACTORS, AsJson, print_json
from see_kb.errors import SeeError


def spectrum(
    factors: Annotated[Path, typer.Argument(help="A folder of factors made by `see init`.")] = FACTORS,
    tables: Annotated[
        Path | None, typer.Option(help="Tables of the same tokenizer: adds senses and frequency.", show_default=False)
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(help="Measure a dense table instead: .npy, or .safetensors with --tensor.", show_default=False),
    ] = None,
    tensor: Tensor = None,
    order: Annotated[
        int | None,
        typer.Option(help="Sites to lay the columns out on. [default: the factors', or 2]", min=2, show_default=False),
    ] = None,
    piece: Annotated[
        list[str] | None, typer.Option(help="Show a piece's entropies; needs --tables. May be given several times.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw it (.png, .svg or .pdf).", show_default=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the entanglement of rows: Schmidt values and entropy at each bond, in bits.

    Example: see spectrum my_factors --tables my_tables --piece ▁doctor
    """
    from pipelines.console import frame_table, output
    from pipelines.factor_inputs import read_teacher
    from pipelines.plots import check_plot
    from pipelines.spectrum import measure_spectrum
    from pipelines.spectrum_plot import plot_spectrum

    if piece and tables is None:
        raise SeeError("--piece needs --tables, which know the pieces' texts")
    if plot:
        check_plot(plot)
    source = factors if table is None else read_teacher(table, tensor)
    measured = measure_spectrum(source, tables, order)
    if plot:
        plot_spectrum(measured, plot)
    single = None
    if piece:
        single = measured.pieces[measured.pieces["piece"].isin(piece)]
        if missing := sorted(set(piece) - set(single["piece"])):
            raise SeeError(f"{tables}: no piece {missing[0]!r}; the table `pieces` has them, with their signs")
    if as_json:
        chosen = {} if single is None else {"pieces": single.to_dict("records")}
        print_json(measured.as_dict() | chosen)
        return
    show = output()
    show.print(frame_table(f"Entropy in bits, sites {' × '.join(map(str, measured.sites))}", measured.by_bond()))
    if "senses" in measured.pieces:
        show.print(frame_table("Mean entropy by terms of senses", measured.by_senses()))
    if "frequency" in measured.pieces:
        show.print(frame_table("Mean entropy by rank of frequency", measured.by_frequency()))
    if single is not None:
        show.print(frame_table("Pieces", single))
