"""A backfill from a terminal: what is shown of it."""

from __future__ import annotations

import logging

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from flows.operations.backfill.flow import backfill, hands_for
from flows.operations.backfill.request import HEADINGS, BackfillFailed, Request, planned
from sdk import Settings, Store
from sdk.notices import NOTICES
from sdk.progress import Event, FanoutProgress, StepStarted, listening

WIDTH = 132
"""Columns of what is written to a file or a pipe, where there is no terminal to ask."""


def run_backfill(request: Request, *, dry_run: bool) -> None:
    """Run a backfill, or show its plan, and print a row per day.

    Raises:
        BackfillFailed: days failed; their rows are printed.
        PlatformError: in two lines, for whoever called.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    # Whoever runs days by hand is told of their failures by the table.
    logging.getLogger(NOTICES).addFilter(lambda entry: entry.levelno < logging.ERROR)
    hands = hands_for(request)
    title = f"{request.customer} · {request.first} to {request.last} · {request.which}"
    if dry_run:
        _print([outcome.row() for outcome in planned(hands.decisions())], title, console)
        return
    Store(Settings().storage).storage.check_writable()
    try:
        rows = _run(request, console)
    except BackfillFailed as error:
        _print([outcome.row() for outcome in error.days], title, console)
        raise
    _print(rows, title, console)


def _run(request: Request, console: Console) -> list[dict[str, str]]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        shown = progress.add_task("starting", total=None)
        days = ""

        def tell(event: Event) -> None:
            nonlocal days
            if isinstance(event, FanoutProgress) and event.step.startswith("backfill of "):
                days = f"{event.done} of {event.total} days"
                if not console.is_terminal:
                    console.print(f"  {days}, {event.failed} failed")
                progress.update(shown, description=days)
            elif isinstance(event, StepStarted):
                progress.update(shown, description=f"{days} {event.step} {event.detail}")

        with listening(tell):
            return backfill(
                customer=request.customer,
                first=request.first,
                last=request.last,
                which=request.which,
                concurrency=request.concurrency,
                queue=request.queue,
                source=request.source,
                dataset=request.dataset,
            )


def _print(rows: list[dict[str, str]], title: str, console: Console) -> None:
    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for heading in HEADINGS:
        right = heading == "seconds"
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading == "day")
    for row in rows:
        # Text: an error may hold brackets, which rich would read as markup.
        table.add_row(*(Text(row[heading]) for heading in HEADINGS))
    console.print(table)
