"""The command line: run a customer's day here and now, or the days of a range.

Errors are two lines on standard error (what is wrong, what to do) and exit code 1; a traceback
is shown when it is asked for. Nothing is started: Prefect's API runs inside this process unless
the environment names a server.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from io import TextIOWrapper
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
    for number in range(3):
        # Begun without one of the standard streams (`<&-`, some supervisors), the next file opened
        # would have its number, and be given to programs as their input or output.
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a seller's name is no reason to lose the day.
            stream.reconfigure(errors="backslashreplace")


@app.command()
def run(
    customer: Annotated[str, typer.Option(help="whose day to run")] = "orchard",
    source: Annotated[
        str, typer.Option(help="folder or URL of the daily files; empty for the generated sample")
    ] = "",
    day: Annotated[
        str, typer.Option(help="YYYY-MM-DD; empty for the latest day in the source")
    ] = "",
    sites: Annotated[
        str, typer.Option(help="folder of site files to capture, for a customer that does")
    ] = "",
    storage: Annotated[str, typer.Option(help="folder or URL of the store")] = "",
    refresh: Annotated[bool, typer.Option(help="make everything anew")] = False,
    verbose: Annotated[bool, typer.Option(help="let Prefect log as it does by default")] = False,
    traceback: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """Run a customer's day and say where its page, workbook and marts are."""
    with _explained(traceback):
        when = _day(day)
        if refresh:
            os.environ["DATAWEAVE_REFRESH"] = "true"
        _prepare(storage, verbose)
        from flows.operations.day import run_day

        run_day(customer, source or None, when, sites or None)


@app.command()
def notices(
    storage: Annotated[str, typer.Option(help="folder or URL of the store")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="as data")] = False,
) -> None:
    """Say what is broken now and what could not be told, where Slack and Jira cannot."""
    with _explained(traceback=False):
        from datetime import UTC, datetime

        from sdk import Settings
        from sdk.notices.overview import overview, worded
        from sdk.storage import storage as root

        found = overview(root(storage or Settings().storage), datetime.now(UTC))
        sys.stdout.write(f"{found.model_dump_json(indent=1) if as_json else worded(found)}\n")


@app.command()
def backfill(
    customer: Annotated[str, typer.Option(help="whose days to run")],
    first: Annotated[str, typer.Option("--from", help="first day, YYYY-MM-DD")],
    last: Annotated[str, typer.Option("--to", help="last day, YYYY-MM-DD")],
    which: Annotated[
        str, typer.Option(help="missing: no report; failed: or degraded; all")
    ] = "missing",
    source: Annotated[
        str, typer.Option(help="folder or URL of the daily files; empty for the flow's own")
    ] = "",
    storage: Annotated[str, typer.Option(help="folder or URL of the store")] = "",
    dataset: Annotated[str, typer.Option(help="by which a day is judged")] = "report",
    concurrency: Annotated[int, typer.Option(help="runs under way at most, on a server")] = 2,
    queue: Annotated[str, typer.Option(help="work queue, on a server")] = "backfill",
    dry_run: Annotated[bool, typer.Option(help="show the plan, run nothing")] = False,
    verbose: Annotated[bool, typer.Option(help="let Prefect log as it does by default")] = False,
    traceback: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """Run the missing, failed or all days of a range; exit code 1 if a day failed."""
    with _explained(traceback):
        begin, end = _day(first), _day(last)
        if begin is None or end is None:
            raise ConfigurationError(
                "a range needs both its days", "Say --from 2026-08-09 --to 2026-08-15."
            )
        _prepare(storage, verbose)
        from flows.operations.backfill.command import run_backfill
        from flows.operations.backfill.request import Request

        asked = Request(
            customer=customer,
            first=begin,
            last=end,
            which=which,  # type: ignore[arg-type]
            concurrency=concurrency,
            queue=queue,
            source=source or None,
            dataset=dataset,
        )
        run_backfill(asked, dry_run=dry_run)


@app.command()
def operations(
    storage: Annotated[str, typer.Option(help="folder or URL of the store")] = "",
    look_back: Annotated[int, typer.Option(help="days of ledgers that are read")] = 14,
    traceback: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """Write the page of how the whole platform stands, and say where it is."""
    with _explained(traceback):
        _prepare(storage, verbose=False)
        from flows.operations.overview.flow import write

        where, platform = write(look_back)
        broken = sum(standing.state != "fresh" for standing in platform.standings)
        sys.stdout.write(f"{len(platform.standings)} steps, {broken} of them not fresh\n{where}\n")


@app.command()
def marts(
    customer: Annotated[str, typer.Option(help="whose marts")],
    storage: Annotated[str, typer.Option(help="folder or URL of the store")] = "",
    out: Annotated[str, typer.Option(help="the file; by default in the store")] = "",
    traceback: Annotated[bool, typer.Option(help="show the traceback of an error")] = False,
) -> None:
    """Write a DuckDB file over a customer's marts of all days, and say where it is."""
    with _explained(traceback):
        _prepare(storage, verbose=False)
        from flows.operations.marts import duckdb_file
        from sdk import Settings, Store

        store = Store(Settings().storage)
        where = duckdb_file.write(store, customer, Path(out) if out else None)
        sys.stdout.write(f"{where}\n")


def _prepare(storage: str, verbose: bool) -> None:
    """Prepare this process, before anything imports Prefect."""
    if storage:
        os.environ["DATAWEAVE_STORAGE"] = storage
    if not verbose:
        # Said by Prefect's own database migrations whenever a database is new.
        warnings.filterwarnings("ignore", message="Skipped unsupported reflection")
        # With a server the run's log is there, tracebacks and all; here two lines say it.
        os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    embed(HOME / "prefect", verbose=verbose)


@contextmanager
def _explained(traceback: bool) -> Iterator[None]:
    """Tell an error in two lines and exit with 1."""
    try:
        yield
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
