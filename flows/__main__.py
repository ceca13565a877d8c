"""The command line: run a customer's day here and now.

Errors are two lines on standard error (what is wrong, what to do) and exit code 1; a traceback
is shown when it is asked for. Nothing is started: Prefect's API runs inside this process unless
the environment names a server.
"""

from __future__ import annotations

import os
import sys
import warnings
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from sdk.embedding import embed
from sdk.errors import ConfigurationError, PlatformError

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)

HOME = Path(".dataweave")


@app.callback()
def main() -> None:
    """Retail price intelligence, run from here."""


@app.command()
def run(
    customer: Annotated[str, typer.Option(help="whose day to run")] = "orchard",
    source: Annotated[
        str, typer.Option(help="folder or URL of the daily files; empty for the generated sample")
    ] = "",
    day: Annotated[
        str, typer.Option(help="YYYY-MM-DD; empty for the latest day in the source")
    ] = "",
    storage: Annotated[str, typer.Option(help="folder or URL of the store")] = "",
    refresh: Annotated[bool, typer.Option(help="make everything anew")] = False,
    verbose: Annotated[bool, typer.Option(help="let Prefect log as it does by default")] = False,
    traceback: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """Run a customer's day and say where its page, workbook and marts are."""
    try:
        when = _day(day)
        if storage:
            os.environ["DATAWEAVE_STORAGE"] = storage
        if refresh:
            os.environ["DATAWEAVE_REFRESH"] = "true"
        if not verbose:
            # Said by Prefect's own database migrations whenever a database is new.
            warnings.filterwarnings("ignore", message="Skipped unsupported reflection")
        embed(HOME / "prefect", verbose=verbose)
        from flows.operations.day import run_day

        run_day(customer, source or None, when)
    except KeyboardInterrupt:
        _fail("interrupted", "Run the same command again: it goes on from what is published.")
    except Exception as error:
        if traceback:
            raise
        _explain(error)


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(
            f"day {text!r} is not a date", "Write it as YYYY-MM-DD, such as 2026-08-15."
        ) from error


def _explain(error: Exception) -> None:
    if isinstance(error, PlatformError):
        _fail(error.problem, error.action)
    said = str(error).strip().splitlines() or ["no message"]
    _fail(
        f"unexpected {type(error).__name__}: {said[0]}",
        "Run again with --traceback (make run TRACEBACK=1) and report what it shows.",
    )


def _fail(problem: str, action: str) -> None:
    sys.stderr.write(f"error: {problem}\n{action}\n")
    raise SystemExit(1)


if __name__ == "__main__":
    app()
