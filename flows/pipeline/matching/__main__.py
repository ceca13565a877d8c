"""The command line of matching: evaluate it on data whose answers are known.

``python -m flows.pipeline.matching evaluate DIR [DIR …] [--unsupervised] [--json]``
``python -m flows.pipeline.matching rank OFFERS.parquet PAIRS.csv LEFT RIGHT [--json]``
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from flows.pipeline.matching.errors import MatchingError
from flows.pipeline.matching.evaluation import evaluate, ranking
from flows.pipeline.matching.folder import read_folder, read_table

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Product matching."""


@app.command("evaluate")
def evaluate_folders(
    folders: Annotated[list[Path], typer.Argument(help="folders of benchmark data")],
    unsupervised: Annotated[bool, typer.Option(help="learn without labels")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Report how good matching is on folders of tables with labelled or known pairs."""
    reports: dict[str, Any] = {}
    for folder in folders:
        try:
            reports[str(folder)] = evaluate(read_folder(folder), unsupervised=unsupervised)
        except MatchingError as error:
            typer.echo(f"error: {error.problem}\n{error.remedy}", err=True)
            raise typer.Exit(1) from error
    _show(reports, as_json)


@app.command()
def rank(
    offers: Annotated[Path, typer.Argument(help="Parquet file of offers with a column site")],
    pairs: Annotated[Path, typer.Argument(help="CSV with gtin, site_sku and site_sku_b")],
    left: Annotated[str, typer.Argument(help="site whose offers are asked for")],
    right: Annotated[str, typer.Argument(help="site in which they are looked for")],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Report recall at 1 and 10 from one shop's offers to another's, their GTINs hidden."""
    frame = pl.read_parquet(offers).drop("gtin", "url", strict=False)
    # A shop lists an article under two headings: one of the two rows stands for it.
    frame = frame.unique(["site", "site_sku"], keep="first", maintain_order=True)
    known = read_table(pairs).select("site_sku", "site_sku_b")
    a, b = (frame.filter(pl.col("site") == site) for site in (left, right))
    try:
        _show({f"{left} to {right}": ranking(a, b, known)}, as_json)
    except MatchingError as error:
        typer.echo(f"error: {error.problem}\n{error.remedy}", err=True)
        raise typer.Exit(1) from error


def _show(reports: dict[str, Any], as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(reports, indent=1, ensure_ascii=False, sort_keys=True))
        return
    for name, report in reports.items():
        typer.echo(name)
        _lines(report, 1)


def _lines(report: dict[str, Any], depth: int) -> None:
    for name, value in report.items():
        if isinstance(value, dict):
            typer.echo(f"{'  ' * depth}{name}")
            _lines(value, depth + 1)
        else:
            typer.echo(f"{'  ' * depth}{name}: {value}")


if __name__ == "__main__":
    app()
