"""The command line of capture: try an extraction, check site files.

    python -m flows.pipeline.capture try page.html --url https://shop.example/p/1
    python -m flows.pipeline.capture try https://shop.example/p/1 --site sites/shop.yaml
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
    page: Annotated[str, typer.Argument(help="a saved page (html, html.gz) or an address")],
    url: Annotated[str, typer.Option(help="the address of a saved page")] = "",
    site: Annotated[Path | None, typer.Option(help="the site file to try")] = None,
) -> None:
    """Show what would be extracted from a page, from where, and how surely."""
    from flows.pipeline.capture.extract import extract_product
    from flows.pipeline.capture.site_file import load_site
    from flows.pipeline.capture.trial import read_page_file, report

    try:
        loaded = load_site(site) if site else None
        content_type = None
        if page.startswith(("http://", "https://")):
            body, content_type, address = _fetched(page)
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


def _fetched(address: str) -> tuple[bytes, str | None, str]:
    """Return body, content type and final address: one plain request."""
    import httpx

    try:
        answer = httpx.get(address, follow_redirects=True, timeout=20.0)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise CaptureError(
            f"no answer from {address}: {error}", "Check the address, or save the page and try it."
        ) from error
    if answer.status_code >= 400:
        raise CaptureError(
            f"{address} answers {answer.status_code}",
            "Save the page in a browser and try the file.",
        )
    return answer.content, answer.headers.get("content-type"), str(answer.url)


def _fail(error: Exception) -> None:
    if isinstance(error, CaptureError):
        sys.stderr.write(f"error: {error.problem}\n{error.action}\n")
    else:
        sys.stderr.write(f"error: {error}\nCheck the path.\n")
    raise SystemExit(1)


if __name__ == "__main__":
    app()
