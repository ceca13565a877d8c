"""The command line of verification: serve the review page.

``python -m flows.pipeline.verification serve [--host 127.0.0.1] [--port 8100]``
``python -m flows.pipeline.verification serve --sample``
``python -m flows.pipeline.verification token NAME [--lead]``
"""

from __future__ import annotations

import logging
import secrets
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer
import uvicorn
from pydantic import SecretStr, ValidationError

from flows.pipeline.verification.database import Database
from flows.pipeline.verification.errors import BadSettings, ReviewError
from flows.pipeline.verification.settings import ReviewSettings
from flows.pipeline.verification.web.app import Announce, create_app
from flows.pipeline.verification.web.people import read_tokens

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

SAMPLE_TOKENS: Final = {"reviewer": "sample-reviewer-token", "lead": "sample-lead-token"}
"""Known to everybody: they open generated data on this machine, and nothing else."""


@app.callback()
def main() -> None:
    """Human verification."""


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="address to listen at")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port; 0 for any that is free")] = 8100,
    sample: Annotated[bool, typer.Option(help="on generated data, gone when it ends")] = False,
) -> None:
    """Serve the review page until it is interrupted."""
    with _explained(), closing(_listen(host, port, any_port=sample)) as listening:
        bound = listening.getsockname()[1]
        base = f"http://{host}:{bound}"
        if sample:
            with tempfile.TemporaryDirectory(prefix="review-") as folder:
                _serve_sample(Path(folder), base, listening)
            return
        settings = _settings()
        if not settings.review_tokens and not settings.review_proxies:
            raise BadSettings(
                "nobody could sign in: there are neither tokens nor a proxy",
                "Set DATAWEAVE_REVIEW_TOKENS (see the command token), or DATAWEAVE_REVIEW_PROXIES.",
            )
        with closing(Database(settings.database)) as database:
            typer.echo(f"review page at {base} · tasks in {database.name}")
            _run(settings, database, listening, announce=_announcer())


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="of the person")],
    lead: Annotated[bool, typer.Option(help="a lead, not a reviewer")] = False,
) -> None:
    """Print a new entry for DATAWEAVE_REVIEW_TOKENS."""
    entry = f"{name}:{'lead' if lead else 'reviewer'}:{secrets.token_urlsafe(24)}"
    with _explained():
        read_tokens(entry)
    typer.echo(entry)


def _serve_sample(folder: Path, base: str, listening: socket.socket) -> None:
    from flows.pipeline.verification.sample import fill

    listed = ",".join(f"{name}:{name}:{given}" for name, given in SAMPLE_TOKENS.items())
    settings = ReviewSettings(review_tokens=SecretStr(listed), review_proxies=())
    with closing(Database(f"sqlite:///{folder / 'review.db'}")) as database:
        pictures = fill(database, base)
        typer.echo(f"review page on sample data: {base}")
        for name, given in SAMPLE_TOKENS.items():
            typer.echo(f"  sign in as {name:<9} with the token {given}")
        typer.echo("Ctrl-C ends it.")
        _run(settings, database, listening, pictures=pictures)


def _run(
    settings: ReviewSettings,
    database: Database,
    listening: socket.socket,
    *,
    announce: Announce = lambda decided: None,
    pictures: dict[str, bytes] | None = None,
) -> None:
    made = create_app(settings, database, announce=announce, pictures=pictures)
    # The peer's own address decides who is a proxy: uvicorn must not replace it by a header.
    config = uvicorn.Config(
        made, log_level="warning", access_log=False, proxy_headers=False, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])


def _announcer() -> Announce:
    """Return what tells Prefect of decisions; imported late, since Prefect takes seconds."""
    from flows.pipeline.verification.flow import announce_decision

    return announce_decision


def _settings() -> ReviewSettings:
    try:
        return ReviewSettings()
    except ValidationError as error:
        names = ", ".join(f"DATAWEAVE_{item['loc'][0]}".upper() for item in error.errors())
        raise BadSettings(
            f"settings that cannot be read: {names}", "See docs/how-to/review.md for their form."
        ) from None


def _listen(host: str, port: int, *, any_port: bool) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        if not any_port:
            made.close()
            raise BadSettings(
                f"cannot listen at {host}:{port}: {error.strerror}", "Give another --port."
            ) from error
        made.bind((host, 0))
    made.listen(128)
    return made


@contextmanager
def _explained() -> Iterator[None]:
    """Tell an error in two lines and exit with 1."""
    try:
        yield
    except ReviewError as error:
        sys.stderr.write(f"error: {error.problem}\n{error.action}\n")
        raise typer.Exit(1) from error


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    app()
