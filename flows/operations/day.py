"""A customer's day by hand: run it here, show how it goes, say what came of it.

Given no source, it generates the sample market first and opens its web shops. Given no day, it
takes the latest one for which the source has files: whoever tries the platform on a folder wants
to see something.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from flows.operations.catalogue import daily_flow
from flows.operations.marts import duckdb_file
from flows.operations.street import open_street
from flows.pipeline.ingest.discover import discover
from flows.pipeline.ingest.flow import explained
from sdk import Dataset, DatasetKey, Settings, Store
from sdk.notices import NOTICES
from sdk.progress import Event, FanoutProgress, StepStarted, listening
from sdk.statistics import StepRecord
from sdk.summary import HEADINGS, degradations, summarise

SAMPLE = Path(".dataweave") / "sample"
SAMPLE_SEED = 7
SAMPLE_DAYS = 6
SAMPLE_LAST = date(2026, 8, 15)

WIDTH = 132
"""Columns of what is written to a file or a pipe, where there is no terminal to ask."""


def run_day(
    customer: str, source: str | None, day: date | None, sites: str | None = None
) -> Dataset:
    """Run a customer's day and print where its results are.

    Args:
        customer: whose.
        source: folder or URL of the daily files; None for the sample.
        day: of the data; None for the latest one of the source.
        sites: folder of site files; None for none, or for the sample's own street of shops.

    Raises:
        PlatformError: in two lines, for whoever called.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    # Whoever runs a day by hand is told of its failure by the command itself.
    logging.getLogger(NOTICES).addFilter(lambda entry: entry.levelno < logging.ERROR)
    flow = daily_flow(customer)
    store = Store(Settings().storage)
    store.storage.check_writable()
    is_sample = source is None
    source = source or _sample(console)
    day = day or _latest(source)
    console.print(f"[bold]{customer}[/bold] · {day} · {source}")
    with ExitStack() as street:
        if is_sample and sites is None and "sites" in flow.parameters.properties:
            folder = street.enter_context(open_street(Path(source).parent, day, SAMPLE_SEED))
            sites = str(folder)
        given = {"source": source} | ({"sites": sites} if sites else {})
        report, records = _run(flow, given, day, console)
    _print_summary(records, console)
    _print_results(store, customer, day, report, console)
    return report


def _sample(console: Console) -> str:
    from datetime import timedelta

    from flows.sample import generate

    folder = SAMPLE / f"seed-{SAMPLE_SEED}"
    if not (folder / ".complete").exists():
        days = [SAMPLE_LAST - timedelta(days=back) for back in reversed(range(SAMPLE_DAYS))]
        with console.status("generating the sample market"):
            generate(folder, seed=SAMPLE_SEED, days=days)
            (folder / ".complete").touch()
    return str(folder)


def _latest(source: str) -> date:
    with explained():
        return max(discover(source))


def _run(
    flow: object, given: dict[str, str], day: date, console: Console
) -> tuple[Dataset, list[StepRecord]]:
    seen: list[StepRecord] = []
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        shown = progress.add_task("starting", total=None)

        def tell(event: Event) -> None:
            if isinstance(event, StepStarted):
                progress.update(shown, description=f"{event.step} {event.detail}")
                return
            if isinstance(event, FanoutProgress):
                said = f"{event.step}: {event.done:,} of {event.total:,} items"
                progress.update(shown, description=said)
                return
            if event.record.is_flow:
                return
            seen.append(event.record)
            if not console.is_terminal:
                console.print(_line(event.record))

        with listening(tell):
            report = flow(day=day, **given)  # type: ignore[operator]
    assert isinstance(report, Dataset)
    return report, seen


def _line(record: StepRecord) -> str:
    rows = record.statistics.rows_out
    made = "" if rows is None else f", {rows:,} rows"
    return f"  {_named(record)}: {record.outcome}{made}, {record.statistics.seconds:.1f} s"


def _named(record: StepRecord) -> str:
    """Name a step's execution: of a fan-out each item makes a dataset of its own."""
    name = (record.dataset or "").split("/")[1:2]
    return " ".join([record.step, *name, str(record.day)])


def _print_summary(records: list[StepRecord], console: Console) -> None:
    table = Table(title="Run summary", title_justify="left", header_style="bold", box=SIMPLE_HEAD)
    for heading in HEADINGS:
        number = heading in _NUMBERS
        table.add_column(heading, justify="right" if number else "left", no_wrap=heading == "step")
    for row in summarise(records):
        table.add_row(*(str(row[heading]) for heading in HEADINGS))
    console.print(table)
    for record in records:
        for check in record.checks:
            if not check.passed:
                console.print(
                    f"  [yellow]check[/yellow] {_named(record)}: {check.name}: {check.detail}"
                )
    for reason in degradations(records):
        console.print(f"  [red]degraded[/red] {reason}")


_NUMBERS = frozenset({"rows in", "rows out", "seconds", "attempts"})


def _print_results(
    store: Store, customer: str, day: date, report: Dataset, console: Console
) -> None:
    marts = store.dataset(DatasetKey(customer=customer, name="marts", day=day))
    # soft_wrap: a path broken over two lines cannot be copied.
    console.print(f"page      {_shown(report.url('report.html'))}", soft_wrap=True, highlight=False)
    console.print(f"workbook  {_shown(report.url('report.xlsx'))}", soft_wrap=True, highlight=False)
    if marts is not None:
        folder = marts.url(marts.tables[0]).rsplit("/", 1)[0]
        console.print(f"marts     {_shown(folder)}", soft_wrap=True, highlight=False)
        database = _shown(str(duckdb_file.write(store, customer)))
        console.print(f"database  {database}", soft_wrap=True, highlight=False)


def _shown(url: str) -> str:
    """Return a path as short as it can be followed from here."""
    path = Path(url)
    if "://" not in url and path.is_relative_to(Path.cwd()):
        return str(path.relative_to(Path.cwd()))
    return url
