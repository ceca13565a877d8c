"""Reporting, as a step: marts, offers and history become a page and a workbook."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import polars as pl

from flows.pipeline.history import History
from flows.pipeline.reporting.digest import digest, email
from flows.pipeline.reporting.page import render_page
from flows.pipeline.reporting.report import CheckLine, Note, Report
from flows.pipeline.reporting.workbook import render_workbook
from flows.pipeline.schema import FAULTS, empty
from sdk import Dataset, Store, task
from sdk.manifest import Manifest
from sdk.notices.outbox import Letter, Outbox
from sdk.notices.settings import NoticeSettings
from sdk.storage import storage

_UNUSUAL = ("missing", "partial", "inflated")


@task(dataset="report")
def publish_reports(
    marts: Dataset,
    offers: Dataset,
    history: History,
    *,
    title: str,
    alerts: Dataset | None = None,
    partial: bool = False,
) -> dict[str, bytes]:
    """Write a customer's page and workbook of a day.

    Args:
        marts: as `compute_insights` publishes them.
        offers: of the day, all sellers.
        history: of the days before.
        title: the customer's name, for people.
        alerts: of the day, as `raise_alerts` publishes them.
        partial: too little of the market answered: said first on the page.

    Returns:
        ``report.html``, ``report.xlsx``, and the digest as ``digest.txt`` and ``digest.eml``.
    """
    lineage = list(Store(marts.store).lineage(marts))
    report = Report(
        title=title,
        day=marts.day,
        own_seller=_own_seller(marts),
        currency=_currency(offers),
        marts=marts.frames(),
        faults=_faults(marts, lineage),
        rejected=offers.frame("rejected"),
        notes=tuple(_notes(marts, partial)),
        earlier=history.notes,
        degraded_because=tuple(
            dict.fromkeys(str(reason) for item in (marts, offers) for reason in item.degraded)
        ),
        checks=tuple(_checks(lineage, marts)),
        alerts=None if alerts is None else alerts.frame("alerts"),
        alert_rules=None if alerts is None else alerts.frame("rules"),
    )
    told = digest(report)
    return {
        "report.html": render_page(report),
        "report.xlsx": render_workbook(report),
        "digest.txt": f"{told.subject}\n\n{told.text}\n".encode(),
        "digest.eml": email(told),
    }


@task
def tell_digest(report: Dataset, *, owner: str | None = None) -> bool:
    """Post a report's digest in the owner's channel; the same one is posted once.

    Args:
        report: as `publish_reports` publishes it.
        owner: the team in whose channel it is posted; by default everybody's.

    Returns:
        Whether it was put in the outbox now: not where no channel is configured, nor again.
    """
    settings = NoticeSettings()
    route = settings.slack_routes.get(owner or "", settings.slack_block or "")
    if not route:
        return False
    subject, _, body = report.read("digest.txt").decode().partition("\n\n")
    letter = Letter(
        key=f"report-{report.customer}-{report.day}",
        route=route,
        subject=subject,
        body=body.strip(),
        written=datetime.now(UTC),
    )
    return Outbox(storage(report.store)).post(letter)


def _own_seller(marts: Dataset) -> str:
    coverage = marts.frame("coverage").filter("is_own")
    return str(coverage["seller"][0]) if coverage.height else ""


def _currency(offers: Dataset) -> str:
    return ", ".join(offers.frame("offers", columns=["currency"])["currency"].unique().sort())


def _faults(marts: Dataset, lineage: list[Manifest]) -> pl.DataFrame:
    for manifest in lineage:
        if manifest.name == "prices" and manifest.day == marts.day:
            return Dataset.of(manifest, marts.store).frame("faults")
    return empty(FAULTS)


def _notes(marts: Dataset, partial: bool) -> Iterator[Note]:
    if partial:
        yield Note(f"only {marts.coverage:.0%} of the usual competitors are in the day's figures")
    for row in marts.frame("coverage").iter_rows(named=True):
        if row["status"] in _UNUSUAL:
            yield Note(row["note"], about=row["seller"])


def _checks(lineage: list[Manifest], marts: Dataset) -> Iterator[CheckLine]:
    # The earlier days' checks were told in their own reports.
    for manifest in sorted(lineage, key=lambda item: item.name):
        if manifest.day == marts.day:
            for check in manifest.checks:
                yield CheckLine(manifest.name, check.name, check.level, check.passed, check.detail)
