"""What is to be said of a run's end. Pure: records in, notices out.

Root causes only: a flow that failed because a step in it did says nothing of its own. Executions
of one step that failed alike are one notice with a count, were they 130 sites. A fallback is told
where it was served, not by everything built on it. What a later attempt made good is not told.
A step that did its work closes the faults that are open where it stands; nothing is said of a
step that was never broken.

How loud: a failed run is an ``error``, of a gold flow ``critical``; a fallback served, or items
that failed while the run went on, a ``warning``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sdk.errors import PlatformError
from sdk.notices.causes import below, broke, echoes, settled, step_of
from sdk.notices.fault import error_class, fingerprint, place
from sdk.notices.notice import Kind, Notice, Severity, event_id
from sdk.redaction import redacted
from sdk.run import Run
from sdk.statistics import StepRecord

EXAMPLES = 3
"""Errors that a notice of many shows: enough to see whether they are alike."""
LONGEST = 500
"""Characters of a headline or an example: what the ledger keeps of an error."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a notice says besides what the run knows.

    Attributes:
        now: UTC.
        owner: the team that answers for the flow.
        tier: how much it matters.
        run_url: where the run is shown.
        runbooks: address below which each flow has its runbook; empty if there is none.
        open_faults: fingerprints of the faults that are open, by place (`fault.place`).
    """

    now: datetime
    owner: str | None = None
    tier: str | None = None
    run_url: str = ""
    runbooks: str = ""
    open_faults: Mapping[str, Collection[str]] | None = None


def decide(
    run: Run,
    records: Sequence[StepRecord],
    failure: BaseException | None,
    around: Surroundings,
) -> list[Notice]:
    """Return what is worth saying of a run that ended, in the order in which it happened.

    Args:
        run: the outermost one.
        records: of all its steps and subflows.
        failure: what it ended with, if it failed.
        around: what else a notice says.
    """
    current = settled(records)
    groups: dict[tuple[str, str, str], list[StepRecord]] = defaultdict(list)
    for record in current:
        if broke(record) and not echoes(record, current):
            groups[(record.flow, step_of(record), error_class(record, failure))].append(record)
    notices = [
        _notice(run, where, broken, current, failure, around) for where, broken in groups.items()
    ]
    if failure is not None and not any(record.outcome == "failed" for record in current):
        notices.append(_bare(run, failure, around))
    return [*notices, *_mended(run, current, failure, around)]


def _notice(
    run: Run,
    where: tuple[str, str, str],
    broken: Sequence[StepRecord],
    records: Sequence[StepRecord],
    failure: BaseException | None,
    around: Surroundings,
) -> Notice:
    flow, step, kind = where
    failed = [record for record in broken if record.outcome == "failed"]
    first = (failed or broken)[0]
    total = sum(r.flow == flow and step_of(r) == step for r in records)
    errors = list(dict.fromkeys(redacted(r.error or "")[:LONGEST] for r in broken if r.error))
    headline = errors[0] if errors else f"{step or flow} could not deliver"
    if len(broken) > 1:
        verb = "failed" if failed else "were served a fallback"
        headline = f"{len(broken):,} of {total:,} executions {verb}: {headline}"
    same = isinstance(failure, PlatformError) and redacted(failure.problem).startswith(
        errors[:1][0] if errors else "\0"
    )
    action = redacted(failure.action) if same and isinstance(failure, PlatformError) else ""
    return _made(
        run,
        around,
        fault=fingerprint(run.environment, flow, step, kind),
        kind=_kind(first, broken, records, failure),
        severity=_loudness(failure if failed else None, around.tier),
        flow=flow,
        step=step,
        error_class=kind,
        headline=headline,
        action=action,
        did=_did(first, broken, records, failure),
        examples=tuple(errors[:EXAMPLES]) if len(broken) > 1 else (),
        count=len(broken),
        total=total,
        last_good=_last_good(broken),
    )


def _kind(
    first: StepRecord,
    broken: Sequence[StepRecord],
    records: Sequence[StepRecord],
    failure: BaseException | None,
) -> Kind:
    failed = any(record.outcome == "failed" for record in broken)
    if failed and failure is not None:
        return "failed"
    return "partial" if failed and not _served_above(first, records) else "degraded"


def _served_above(record: StepRecord, records: Sequence[StepRecord]) -> list[StepRecord]:
    """Return the flows around a step that were served a fallback in its place."""
    return [other for other in records if other.is_flow and other.fallback and below(record, other)]


def _loudness(failure: BaseException | None, tier: str | None) -> Severity:
    if failure is None:
        return "warning"
    return "critical" if tier == "gold" else "error"


def _did(
    first: StepRecord,
    broken: Sequence[StepRecord],
    records: Sequence[StepRecord],
    failure: BaseException | None,
) -> tuple[str, ...]:
    attempts = max(record.statistics.attempts for record in broken)
    said = [f"tried {attempts} times" if attempts > 1 else "tried once"]
    served = sorted({record.fallback for record in broken if record.fallback})
    above = [
        f"{record.step} was served its fallback: {record.fallback}"
        for record in _served_above(first, records)
    ]
    said += [f"served {fallback} instead" for fallback in served[:EXAMPLES]] + above
    if failure is not None:
        said.append("the run failed")
    elif served or above:
        said.append("the run completed, marked Degraded")
    else:
        said.append("the run went on without it")
    return tuple(said)


def _last_good(broken: Sequence[StepRecord]) -> date | None:
    days = [
        record.day - timedelta(days=reason.age_days)
        for record in broken
        for reason in record.degraded[:1]
        if reason.source == "last_good" and reason.age_days is not None
    ]
    return min(days, default=None)


def _bare(run: Run, failure: BaseException, around: Surroundings) -> Notice:
    """Return the notice of a run that failed without a record of why."""
    kind = type(failure).__name__
    known = isinstance(failure, PlatformError)
    problem = failure.problem if isinstance(failure, PlatformError) else f"{kind}: {failure}"
    return _made(
        run,
        around,
        fault=fingerprint(run.environment, run.flow, "", kind),
        kind="failed",
        severity=_loudness(failure, around.tier),
        flow=run.flow,
        error_class=kind,
        headline=redacted(problem.strip())[:LONGEST],
        action=redacted(failure.action) if known and isinstance(failure, PlatformError) else "",
        did=("the run failed",),
    )


def _mended(
    run: Run, records: Sequence[StepRecord], failure: BaseException | None, around: Surroundings
) -> list[Notice]:
    known = around.open_faults or {}
    bad = {(record.flow, step_of(record)) for record in records if broke(record)}
    worked = {(r.flow, r.step) for r in records if not r.is_flow and r.outcome != "failed"}
    if failure is None:
        worked |= {(flow, "") for flow in {run.flow, *(record.flow for record in records)}}
    return [
        _made(
            run,
            around,
            fault=fault,
            kind="mended",
            severity="info",
            flow=flow,
            step=step,
            headline=f"{step or flow} works again for {run.customer}",
        )
        for flow, step in sorted(worked - bad)
        for fault in sorted(known.get(place(run.environment, flow, step), ()))
    ]


def _made(
    run: Run, around: Surroundings, *, fault: str, kind: str, flow: str, **told: object
) -> Notice:
    runbook = f"{around.runbooks.rstrip('/')}/{flow}" if around.runbooks else ""
    attempt = run.path[0] if run.path else run.run_id
    return Notice.model_validate(
        {
            "event": event_id(attempt, fault, kind),
            "fault": fault,
            "kind": kind,
            "flow": flow,
            "environment": run.environment,
            "customer": run.customer,
            "day": run.day,
            "root_flow": run.flow,
            "run_id": run.run_id,
            "run_url": around.run_url,
            "runbook_url": runbook,
            "owner": around.owner,
            "tier": around.tier,
            "happened": around.now,
            **told,
        }
    )
