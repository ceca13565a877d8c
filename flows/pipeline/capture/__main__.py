"""The command line of capture: try an extraction, check site files.

    python -m flows.pipeline.capture try page.html --url https://shop.example/p/1
    python -m flows.pipeline.capture try https://shop.example/p/1 --site sites/shop.yaml
    python -m flows.pipeline.capture try sites/shop.yaml
    python -m flows.pipeline.capture check sites/

Errors are two lines on standard error and exit code 1.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from flows.pipeline.capture.errors import CaptureError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Competitor pages into products."""


@app.command("try")
def try_page(
    page: Annotated[
        str, typer.Argument(help="a saved page (html, html.gz), an address, or a site file")
    ],
    url: Annotated[str, typer.Option(help="the address of a saved page")] = "",
    site: Annotated[Path | None, typer.Option(help="the site file to try")] = None,
    pages: Annotated[int, typer.Option(help="of a site: visited at the most", min=1)] = 20,
) -> None:
    """Show what would be extracted from a page, from where, and how surely.

    A site file is tried by a capture of a few of its pages, of which nothing is kept.
    """
    from flows.pipeline.capture.extract import extract_product
    from flows.pipeline.capture.settings import CaptureSettings
    from flows.pipeline.capture.site_file import load_site
    from flows.pipeline.capture.trial import read_page_file, report
    from flows.pipeline.capture.trying import fetch_page, try_site

    try:
        loaded = load_site(site) if site else None
        content_type = None
        if page.endswith((".yaml", ".yml")):
            path = Path(page)
            for line in try_site(load_site(path), path.parent, CaptureSettings(), pages):
                typer.echo(line)
            return
        if page.startswith(("http://", "https://")):
            answer = fetch_page(page, loaded, CaptureSettings())
            assert answer.body is not None
            body, content_type, address = answer.body, answer.content_type, answer.url
        else:
            body, address = read_page_file(Path(page)), url or "https://unknown.invalid/"
        product = extract_product(body, address, content_type, loaded)
    except (CaptureError, OSError) as error:
        _fail(error)
    for line in report(product):
        typer.echo(line)


@app.command()
def check(folder: Annotated[Path, typer.Argument(help="a site file, or a folder of them")]) -> None:
    """Validate site files; says file, line and field of what is wrong."""
    from flows.pipeline.capture.site_file import load_site, load_sites

    try:
        sites = [load_site(folder)] if folder.is_file() else load_sites(folder)
    except (CaptureError, OSError) as error:
        _fail(error)
    typer.echo(f"{len(sites)} site files are right: {', '.join(site.name for site in sites)}")


def _fail(error: Exception) -> None:
    if isinstance(error, CaptureError):
        sys.stderr.write(f"error: {error.problem}\n{error.action}\n")
    else:
        sys.stderr.write(f"error: {error}\nCheck the path.\n")
    raise SystemExit(1)


if __name__ == "__main__":
    app()
