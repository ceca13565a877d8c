"""Alerting, as steps: the day's marts and the customer's rules become alerts, and notices.

The alerts are a dataset, so that what was told when is part of the ledger, and a day that is run
again decides the same. Telling is a step of its own that always runs: a notice has an identity, and
the same one twice is told once.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import polars as pl

from flows.pipeline.alerting.decide import Group, decide, groups, rule_report
from flows.pipeline.alerting.findings import find
from flows.pipeline.direction import isolate
from flows.pipeline.mart_schema import ALERTS
from flows.pipeline.rules import Rules
from flows.pipeline.schema import empty
from sdk import Dataset, DatasetKey, Run, Store, checks, current_run, record, task
from sdk.notices.announcement import NOTICES, PATIENCE, keep
from sdk.notices.build_plain import plain
from sdk.notices.fault import fingerprint
from sdk.notices.notice import Notice, event_id
from sdk.notices.settings import NoticeSettings

log = logging.getLogger(NOTICES)

NAME = "alerts"


def raise_alerts(marts: Dataset, rules: Rules, *, owner: str | None = None) -> Dataset:
    """Hold a customer's rules against a day's marts, and tell what is new.

    Args:
        marts: as `compute_insights` publishes them.
        rules: the customer's.
        owner: the team in whose channel it is told; by default everybody's.

    Returns:
        The dataset ``alerts``: tables ``alerts`` and ``rules``.
    """
    alerts = decide_alerts(marts, earlier_alerts(marts), rules=rules)
    tell_alerts(alerts, owner=owner)
    return alerts


def earlier_alerts(marts: Dataset) -> Dataset | None:
    """Return the alerts of the latest day before that has any."""
    store = Store(marts.store)
    for manifest in store.history(marts.customer, NAME, before=marts.day, limit=1):
        return store.dataset(DatasetKey(customer=manifest.customer, name=NAME, day=manifest.day))
    return None


@task(
    dataset=NAME,
    checks={
        "alerts": [checks.columns(ALERTS), checks.unique("rule", "item")],
    },
)
def decide_alerts(
    marts: Dataset, before: Dataset | None, *, rules: Rules
) -> dict[str, pl.DataFrame]:
    """Return the day's alerts and what became of each rule."""
    tables = marts.frames()
    found = [find(rule, tables, rules) for rule in rules.alerts]
    earlier = before.frame("alerts") if before is not None else empty(ALERTS)
    alerts = decide(found, earlier, marts.day)
    record(told=int((alerts["state"] == "told").sum()))
    return {"alerts": alerts, "rules": rule_report(found, alerts, marts.day)}


@task
def tell_alerts(alerts: Dataset, *, owner: str | None = None) -> int:
    """Tell a day's alerts; what was told already is not told again.

    Returns:
        How many notices it made.
    """
    run = current_run()
    settings = NoticeSettings()
    made = [
        _notice(group, alerts, run, owner, settings) for group in groups(alerts.frame("alerts"))
    ]
    for notice in made:
        if notice.kind == "alert":
            log.warning("%s", plain(notice))
    if made and settings.spoken:
        keep(alerts.store, made)
        _attempt(alerts.store, settings)
    return len(made)


def _attempt(store: str, settings: NoticeSettings) -> None:
    """Try to deliver for a moment; what is kept is delivered by the sender's flow."""
    from sdk.notices.channels import sender

    try:
        found = sender(store, settings)
        found.deliver(until=found.now() + timedelta(seconds=PATIENCE))
    except Exception as error:
        log.warning("alerts are kept and will be sent later (%s)", error)


def _notice(
    group: Group, alerts: Dataset, run: Run | None, owner: str | None, settings: NoticeSettings
) -> Notice:
    environment = run.environment if run else "development"
    flow = f"alerts of {alerts.customer}"
    fault = fingerprint(environment, flow, group.rule, group.group)
    kind = "mended" if group.over else "alert"
    about = "" if group.group == group.rule else f" at {isolate(group.group)}"
    headline = f"{group.rule}{about}: {group.told:,} new, {group.standing:,} in all"
    run_id = run.run_id if run else ""
    return Notice(
        event=event_id(fault, alerts.day, kind),
        fault=fault,
        kind=kind,
        severity="info" if group.over else group.severity,
        environment=environment,
        flow=flow,
        step=group.rule,
        error_class=group.group,
        customer=alerts.customer,
        day=alerts.day,
        headline=f"{group.rule}{about}: nothing is left of it" if group.over else headline,
        did=() if group.over else ("found it in the day's marts",),
        examples=group.examples,
        count=max(group.told, 1),
        root_flow=run.flow if run else "",
        run_id=run_id,
        run_url=settings.run_url(run_id) if run_id else "",
        owner=owner,
        happened=datetime.now(UTC),
    )
