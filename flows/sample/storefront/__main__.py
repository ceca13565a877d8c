"""Opens the shops for whoever wants to look: ``python -m flows.sample.storefront --sites DIR``."""

from __future__ import annotations

import signal
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Annotated

import typer

from flows.sample.storefront import FIRST_DAY, serve, standard_script
from flows.sample.storefront.shops import open_shops


def main(
    shops: Annotated[int, typer.Option(min=1, max=130, help="How many.")] = 130,
    seed: Annotated[int, typer.Option(help="The same seed opens the same shops.")] = 7,
    products: Annotated[int, typer.Option(min=1, help="Articles of each shop.")] = 40,
    day: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="The day that they are in.")
    ] = datetime(FIRST_DAY.year, FIRST_DAY.month, FIRST_DAY.day),
    port: Annotated[int, typer.Option(help="Of all shops; 0 takes a free one.")] = 8130,
    faults: Annotated[bool, typer.Option(help="Let every third shop misbehave.")] = False,
    sites: Annotated[Path | None, typer.Option(help="Write the site files to this folder.")] = None,
) -> None:
    """Open fictitious shops on loopback until interrupted."""
    names = [shop.name for shop in open_shops(seed, shops, products)]
    script = standard_script(names, day.date()) if faults else []
    wrong = {one.shop: one for one in script}
    try:
        with serve(
            shops, seed, day=day.date(), products=products, script=script, port=port
        ) as front:
            for shop in front.shops:
                fault = f"  {wrong[shop.name].kind}" if shop.name in wrong else ""
                kind = f"{shop.locale.tag} {shop.locale.currency} {shop.markup:<14} {shop.way:<13}"
                typer.echo(f"{front.urls[shop.name]:<26} {shop.name:<16} {kind}{fault}")
            if sites is not None:
                front.site_files(sites)
                typer.echo(f"Site files are in {sites}")
            typer.echo(f"{len(front.shops)} shops are open on {front.day}; interrupt to close")
            ended = Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda *_: ended.set())
            ended.wait()
    except OSError as error:
        typer.echo(f"error: {error}\nGive another one with --port, or 0 for any.", err=True)
        raise typer.Exit(1) from error


if __name__ == "__main__":
    typer.run(main)
