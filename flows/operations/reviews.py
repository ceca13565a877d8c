"""The flows around human verification: apply what was decided, ask a lead, draw the audit.

None of them decides anything. Each is safe to run at any time, and twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import polars as pl

from flows.operations.catalogue import customers, daily_flow
from flows.pipeline.verification.database import utc_now
from flows.pipeline.verification.drafting import PAIR
from flows.pipeline.verification.flow import collect_lessons, desk_of, open_audit
from flows.pipeline.verification.gates import Batch, Choice, read_batch, read_batches, set_gate
from flows.pipeline.verification.intake import batch_name
from flows.pipeline.verification.ledger import CLOSED_GATES, read_ledger
from flows.pipeline.verification.sampling import AUDITED
from sdk import Dataset, DatasetKey, Permanent, PlatformError, Settings, Store, flow
from sdk.asking import POLL_SECONDS, ask
from sdk.events import emit
from sdk.run import entered

RELEASE, HOLD = "release", "hold"


@flow(name="reviews-apply")
def apply_decisions(customer: str | None = None, days: int = 7) -> list[str]:
    """Make anew what people's decisions touch; schedule it every few minutes.

    A day is run again when a decision that its datasets do not know yet is about one of its pairs.
    Everything up to the matches is reused; the decided matches, the figures and the report are
    made anew. A day whose own run still waits for its reviewers is left to that run.

    Args:
        customer: only this one's.
        days: how far back from each customer's newest batch.

    Returns:
        The batches applied.

    Raises:
        Permanent: a day could not be made anew; the others were.
    """
    store, applied, failed = Store(Settings().storage), [], []
    for batch in _due(store, customer, days):
        touched = _touched(store, batch)
        if not touched:
            continue
        try:
            _run_again(store, batch)
        except PlatformError as error:
            failed.append(f"{batch.name}: {error.problem}")
            continue
        applied.append(batch.name)
        about = {"customer": batch.customer, "day": str(batch.day), "pairs": touched}
        emit("dataweave.review.applied", f"dataweave.review.batch.{batch.name}", about)
    for name in sorted({name.split("/")[0] for name in applied}):
        _learn(store, name)
    if failed:
        raise Permanent(
            f"decisions could not be applied: {'; '.join(failed)}",
            "See the runs of these days; what was decided is kept, and applied by the next run.",
        )
    return applied


@flow(name="reviews-gate")
def gate_batch(
    customer: str, day: date, hours: float = 12, poll_seconds: int = POLL_SECONDS
) -> str:
    """Ask a lead, in Prefect's UI, whether a batch's decisions may reach the customer.

    The run pauses; its form is under "Resume". Nobody's answer leaves the batch as it is.

    Args:
        customer: whose.
        day: of the batch.
        hours: how long to wait.
        poll_seconds: how often to look for the answer.

    Returns:
        ``release`` or ``hold``.
    """
    name = batch_name(customer, day)
    store = Settings().storage
    with desk_of(store) as database:
        question = _question(read_batch(database, name))
    answer = ask(
        question, (RELEASE, HOLD), within=timedelta(hours=hours), poll_seconds=poll_seconds
    )
    choice: Choice = "released" if answer.choice == RELEASE else "held"
    with desk_of(store) as database:
        set_gate(database, name, choice, answer.by or "a lead, in Prefect")
    about = {"customer": customer, "day": str(day), "choice": answer.choice, "by": answer.by}
    emit(f"dataweave.review.{choice}", f"dataweave.review.batch.{name}", about)
    return answer.choice


@flow(name="reviews-audit")
def audit_matches(customer: str | None = None, size: int = AUDITED) -> dict[str, int]:
    """Draw the week's audit of each customer's newest day; schedule it once a week.

    Args:
        customer: only this one's.
        size: accepted pairs, and as many rejected ones.

    Returns:
        How many pairs are new, by customer.
    """
    store, today, opened = Store(Settings().storage), datetime.now(UTC).date(), {}
    for name in [customer] if customer else customers():
        with desk_of(store.url) as database:
            newest = read_batches(database, customer=name, limit=1)
        day = newest[0].day if newest else today
        decided, offers = (
            _dataset(store, name, day, kind) for kind in ("decided_matches", "offers")
        )
        if decided is not None and offers is not None:
            opened[name] = open_audit(decided, offers, size)
    return opened


def _due(store: Store, customer: str | None, days: int) -> list[Batch]:
    """Return the batches whose decisions may be applied now, the oldest first."""
    with desk_of(store.url) as database:
        found = read_batches(database, customer=customer, limit=1000)
    newest: dict[str, date] = {}
    for batch in found:
        newest[batch.customer] = max(batch.day, newest.get(batch.customer, batch.day))
    now = utc_now()
    return sorted(
        (
            batch
            for batch in found
            if batch.gate not in CLOSED_GATES
            and (newest[batch.customer] - batch.day).days < days
            and not (batch.left and now < batch.waits_until)
        ),
        key=lambda batch: (batch.customer, batch.day),
    )


def _touched(store: Store, batch: Batch) -> int:
    """Return how many of a day's pairs have a decision that its datasets do not know."""
    names = ("matches", "decisions", "decided_matches")
    matches, known, decided = (_dataset(store, batch.customer, batch.day, name) for name in names)
    if matches is None or known is None or decided is None:
        return 0  # the day's own run has not come so far, and takes them when it does
    with desk_of(store.url) as database:
        now = read_ledger(database, batch.customer).decisions
    before = known.frame()
    columns = [*PAIR, "verdict", "factor", "by", "at"]
    changed = pl.concat(
        [
            now.join(before, on=columns, how="anti", nulls_equal=True),
            before.join(now, on=columns, how="anti", nulls_equal=True),
        ]
    )
    pairs = pl.concat([frame.frame().select(PAIR) for frame in (matches, decided)])
    return changed.join(pairs, on=list(PAIR), how="semi").select(PAIR).n_unique()


def _run_again(store: Store, batch: Batch) -> None:
    daily = daily_flow(batch.customer)
    given: dict[str, object] = {"day": batch.day}
    for name in ("prices", "pages"):
        made = store.latest(DatasetKey(customer=batch.customer, name=name, day=batch.day))
        if made is not None and "source" in made.parameters:
            given.setdefault("source", made.parameters["source"])
    known = daily.parameters.properties
    # A day is a run of its own: its ledger, summary and notices are not ours.
    with entered(None):
        daily(**{name: value for name, value in given.items() if name in known})


def _learn(store: Store, customer: str) -> None:
    """Publish what the matcher can learn, beside the newest matches."""
    with desk_of(store.url) as database:
        newest = read_batches(database, customer=customer, limit=1)
    for batch in newest:
        matches = _dataset(store, customer, batch.day, "matches")
        if matches is not None:
            collect_lessons(matches)


def _dataset(store: Store, customer: str, day: date, name: str) -> Dataset | None:
    return store.dataset(DatasetKey(customer=customer, name=name, day=day))


def _question(batch: Batch) -> str:
    return "\n".join(_lines(batch))


def _lines(batch: Batch) -> Iterator[str]:
    yield f"**{batch.customer}, {batch.day}**: may these decisions reach the customer?"
    yield ""
    yield f"- {batch.settled:,} of {sum(batch.states.values()):,} tasks are decided"
    yield f"- {batch.states.get('escalated', 0):,} wait for a lead, who differ or are unsure"
    yield f"- the gate is {batch.gate}" + (f" by {batch.gate_by}" if batch.gate_by else "")
