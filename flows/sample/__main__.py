"""Writes the sample from a shell: ``python -m flows.sample OUT --seed 7 --days 6``."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from flows.sample import generate


def main(
    out: Annotated[Path, typer.Argument(help="Folder for the files.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 7,
    days: Annotated[int, typer.Option(min=1, help="How many days, one after the other.")] = 6,
    last: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The last of them.")
    ] = datetime(2026, 8, 15),
    products: Annotated[int, typer.Option(min=100, help="The customer's own articles.")] = 3000,
    faults: Annotated[bool, typer.Option(help="Put faults in, as real files have them.")] = True,
) -> None:
    """Write the price files of a fictitious retail market, and say what is wrong with them."""
    every = [last.date() - timedelta(days=back) for back in reversed(range(days))]
    sample = generate(out, seed=seed, days=every, products=products, faults=faults)
    for fault in sample.faults:
        place = fault.file or "(no file)"
        row = "" if fault.row is None else f" row {fault.row}"
        typer.echo(f"{fault.day} {fault.kind:<20} {place}{row}: {fault.detail}")
    typer.echo(f"The market of {sample.own_seller}, {len(every)} day(s), is in {out}")


if __name__ == "__main__":
    typer.run(main)
