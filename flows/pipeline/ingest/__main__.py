"""The command line of ingest: propose a layout for a file, and see what a file comes to.

    python -m flows.pipeline.ingest propose elm_2026-08-15.csv > elm.layout.yaml
    python -m flows.pipeline.ingest try elm_2026-08-15.csv

``try`` reads with the platform's layouts and those that lie beside the file. Errors are two lines
on standard error and exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from flows.pipeline.ingest.errors import IngestError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

SHOWN = 5
"""Rows and faults that `try` shows."""


@app.callback()
def main() -> None:
    """Price files into rows."""


@app.command("propose")
def propose_layout(file: Annotated[Path, typer.Argument(help="a price file of any kind")]) -> None:
    """Propose a layout for a file; read it, correct it, save it beside the files."""
    from flows.pipeline.ingest.propose import propose

    with _explained():
        typer.echo(propose(file.read_bytes(), file.name), nl=False)


@app.command("try")
def try_file(file: Annotated[Path, typer.Argument(help="a price file of any kind")]) -> None:
    """Show by which layout a file is read, its first rows, and what is wrong with it."""
    import polars as pl

    from flows.pipeline.ingest.discover import SourceFile
    from flows.pipeline.ingest.layout_files import layouts_for
    from flows.pipeline.ingest.read import read_file

    with _explained():
        size = file.stat().st_size
        source = SourceFile(str(file.absolute()), file.name, date.min, size)
        prices, faults, summary = read_file(source, layouts_for(str(file.absolute().parent)))
    for row in summary.iter_rows(named=True):
        typer.echo(
            f"{row['source_file']}: layout {row['layout'] or 'none'}, {row['rows']:,} rows,"
            f" {row['rows_set_aside']:,} set aside"
        )
    filled = [name for name in prices.columns if prices[name].null_count() < prices.height]
    with pl.Config(tbl_rows=SHOWN, tbl_cols=-1, tbl_width_chars=160, fmt_str_lengths=28,
                   tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):  # fmt: skip
        typer.echo(prices.select(filled).drop("source_file").head(SHOWN))
    for row in faults.head(SHOWN).iter_rows(named=True):
        where = f"row {row['source_row']}: " if row["source_row"] is not None else ""
        typer.echo(f"  {where}{row['problem']} ({row['action']})")
    if faults.height > SHOWN:
        typer.echo(f"  and {faults.height - SHOWN:,} more faults")


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except IngestError as error:
        sys.stderr.write(f"error: {error.problem}\n{error.action}\n")
        raise SystemExit(1) from None
    except OSError as error:
        sys.stderr.write(f"error: {error}\nCheck the path.\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    app()
