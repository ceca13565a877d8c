"""Verification, as steps: doubtful matches are asked, and what people decided is applied.

A day never fails for its reviewers. Nothing waits longer than it was told; a database that cannot
be reached costs the newest decisions, said and counted, not the day: the last ones are served.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Final

import polars as pl

from flows.pipeline.mart_schema import AUDITS
from flows.pipeline.schema import DECISIONS, MATCHES, empty
from flows.pipeline.verification.applying import (
    OTHERWISE,
    Otherwise,
    apply_decisions,
    check_accepts,
    counted,
)
from flows.pipeline.verification.auditing import audited, draw
from flows.pipeline.verification.database import Database, utc_now
from flows.pipeline.verification.drafting import PAIR, draft, undecided
from flows.pipeline.verification.errors import DatabaseUnavailable, ReviewError
from flows.pipeline.verification.gates import read_batch
from flows.pipeline.verification.intake import Intake
from flows.pipeline.verification.ledger import Ledger, read_ledger
from flows.pipeline.verification.lessons import lessons
from flows.pipeline.verification.rows import Decided
from flows.pipeline.verification.sampling import AUDITED, week_of
from flows.pipeline.verification.settings import ReviewSettings
from sdk import (
    NETWORK,
    ConfigurationError,
    Dataset,
    DatasetKey,
    Input,
    Permanent,
    Store,
    Transient,
    checks,
    default,
    last_good,
    record,
    task,
)
from sdk.events import emit
from sdk.fallback import duration

CARRY_DAYS: Final = 7
"""How many days back a pair's last decision is carried from: prices and packs change."""
LEARN_DAYS: Final = 14
"""How many days back the matcher looks for decisions: a fortnight's holiday."""
POLL_SECONDS: Final = 2.0
"""How often a waiting day looks whether the reviewers are done."""


@contextmanager
def desk_of(store: str) -> Iterator[Database]:
    """The desk's database beside a store, its errors turned into the platform's."""
    try:
        with closing(Database(ReviewSettings(storage=store).database)) as database:
            yield database
    except DatabaseUnavailable as error:
        raise Transient(error.problem, error.action) from error
    except ReviewError as error:
        raise Permanent(error.problem, error.action) from error


def verify_matches(
    matches: Dataset,
    offers: Dataset,
    wait: str = "0m",
    otherwise: Otherwise = "exclude",
    *,
    accepts: Sequence[str] = ("exact",),
    gate: bool = False,
) -> Dataset:
    """Have people decide what the matcher would not, and return the day's decided matches.

    Args:
        matches: MATCHES of the day.
        offers: of the day, all sellers.
        wait: how long to wait for the reviewers, such as ``"4h"``, from the moment when the
            day's questions were first asked; ``"0m"`` takes what is decided by now.
        otherwise: what becomes of pairs that nobody decided: ``exclude`` holds them back;
            ``carry_last`` repeats the last decision of the days before, and holds back the rest.
        accepts: verdicts whose pairs are compared; by default only the same product.
        gate: what is decided of this day waits until a lead releases it.

    Returns:
        ``decided_matches``: MATCHES with nothing left under review. Records ``held``,
        ``carried``, ``accepted`` and ``coverage``: accepted over accepted and held.

    Raises:
        ConfigurationError: a keyword has a value that there is not.
    """
    if otherwise not in OTHERWISE:
        raise ConfigurationError(
            f"otherwise={otherwise!r} is not known", f"Use one of {', '.join(OTHERWISE)}."
        )
    try:
        check_accepts(accepts)
        seconds = duration(wait).total_seconds()
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise ConfigurationError(problem, getattr(error, "action", "Such as 4h or 90m.")) from error
    ask_reviewers(matches, offers, seconds, gate)
    decisions = collect_decisions(matches)
    carries = otherwise == "carry_last"
    earlier = tuple(_days_before(matches, "decided_matches", CARRY_DAYS)) if carries else ()
    return decide_matches(
        matches, offers, decisions, earlier, otherwise=otherwise, accepts=tuple(accepts)
    )


@task(retry=NETWORK, fallback=default(None))
def ask_reviewers(
    matches: Dataset, offers: Dataset, wait_seconds: float = 0.0, gate: bool = False
) -> int | None:
    """Write the day's questions for the reviewers, and wait for the answers as long as is allowed.

    Safe to run again: a question that was asked is not asked twice.

    Args:
        matches: of the day.
        offers: of the day, all sellers.
        wait_seconds: counted from when the day's questions were first asked.
        gate: decisions wait for a lead's release.

    Returns:
        How many questions are left; None when they could not be asked.
    """
    with desk_of(matches.store) as database:
        known = read_ledger(database, matches.customer)
        resting = known.resting.filter(pl.col("until") >= matches.day).select(PAIR)
        asked = pl.concat([known.decisions.select(PAIR), resting])
        pairs = undecided(matches.frame(), asked)
        drafts = draft(pairs, offers.frame("offers"), matches.day) if pairs.height else []
        share = ReviewSettings().review_twice_share
        opened = Intake(database, twice_share=share).open_batch(
            matches.customer,
            matches.day,
            matches.content_hash,
            drafts,
            gated=gate,
            wait=timedelta(seconds=wait_seconds),
        )
        record(asked=opened.asked, new=opened.new, closed=opened.closed)
        return _wait(database, opened.batch)


def _wait(database: Database, batch: str) -> int:
    """Wait until a batch is decided, or its time is over; return how many tasks are left."""
    now = read_batch(database, batch)
    # By the clock that runs on: one that is set back must not make a day wait for ever.
    until = time.monotonic() + (now.waits_until - utc_now()).total_seconds()
    while now.left and time.monotonic() < until:
        time.sleep(min(POLL_SECONDS, max(until - time.monotonic(), 0.0)))
        now = read_batch(database, batch)
    return now.left


def _ledger(matches: Dataset | None = None, offers: Dataset | None = None) -> list[Input]:
    """Return what the reviewers have said so far, as something that a step reads."""
    of = matches or offers
    assert of is not None
    with desk_of(of.store) as database:
        known = read_ledger(database, of.customer)
    return [Input(name="reviews", content_hash=known.content_hash)]


@task(
    dataset="decisions",
    retry=NETWORK,
    fallback=[last_good("30d"), default(empty(DECISIONS))],
    inputs=_ledger,
    checks=[checks.columns(DECISIONS), checks.unique(*PAIR)],
)
def collect_decisions(matches: Dataset) -> pl.DataFrame:
    """Return what people have decided of a customer's pairs so far.

    Args:
        matches: whose customer and day it is for.
    """
    with desk_of(matches.store) as database:
        known: Ledger = read_ledger(database, matches.customer)
    return known.decisions


@task(
    dataset="decided_matches",
    checks=[
        checks.columns(MATCHES),
        checks.holds("nothing is left under review", pl.col("decision") != "review"),
        checks.unique("own_seller", "own_store_id", "own_sku", "seller", "store_id", "sku"),
    ],
)
def decide_matches(
    matches: Dataset,
    offers: Dataset,
    decisions: Dataset,
    earlier: tuple[Dataset, ...] = (),
    *,
    otherwise: Otherwise = "exclude",
    accepts: tuple[str, ...] = ("exact",),
) -> pl.DataFrame:
    """Apply decisions to the matches of a day; see `applying.apply_decisions`.

    Args:
        matches: of the day.
        offers: of the day, all sellers.
        decisions: of people.
        earlier: ``decided_matches`` of the days before, the latest first.
        otherwise: what becomes of undecided pairs.
        accepts: verdicts whose pairs are compared.
    """
    decided = apply_decisions(
        matches.frame(),
        decisions.frame(),
        offers.frame("offers"),
        before=[dataset.frame() for dataset in earlier],
        otherwise=otherwise,
        accepts=accepts,
    )
    figures = counted(decided)
    known = figures["accepted"] + figures["held"]
    record(**figures, coverage=round(figures["accepted"] / known, 6) if known else 1.0)
    return decided


def decisions_before(offers: Dataset) -> Dataset | None:
    """Return the decisions of the last day before for which there are any, for the matcher.

    The day's own come after it: what is decided today changes today's matches by
    `decide_matches` alone, and teaches the matcher tomorrow.
    """
    return next(_days_before(offers, "decisions", LEARN_DAYS), None)


def _days_before(of: Dataset, name: str, days: int) -> Iterator[Dataset]:
    """Yield a dataset's latest versions of the days before, the latest day first."""
    store = Store(of.store)
    for back in range(1, days + 1):
        day = of.day - timedelta(days=back)
        found = store.dataset(DatasetKey(customer=of.customer, name=name, day=day))
        if found is not None:
            yield found


@task(
    dataset="match_audits",
    retry=NETWORK,
    fallback=[last_good("30d"), default(empty(AUDITS))],
    inputs=_ledger,
)
def collect_audits(offers: Dataset) -> pl.DataFrame:
    """Return what people found of accepted matches drawn at random, as AUDITS.

    Args:
        offers: whose customer and day it is for.
    """
    with desk_of(offers.store) as database:
        return audited(database, offers.customer)


@task(retry=NETWORK)
def open_audit(decided: Dataset, offers: Dataset, size: int = AUDITED) -> int:
    """Ask people about random pairs of a day; return how many are new. Once a week is enough.

    Args:
        decided: ``decided_matches`` of the day.
        offers: of the day, all sellers.
        size: accepted pairs, and as many rejected ones.
    """
    with desk_of(decided.store) as database:
        known = read_ledger(database, decided.customer).decisions
        week = week_of(decided.day)
        drawn = draw(decided.frame(), offers.frame("offers"), known, week, size)
        return Intake(database, twice_share=0).open_audit(decided.customer, week, drawn)


@task(dataset="lessons", retry=NETWORK, inputs=_ledger)
def collect_lessons(matches: Dataset) -> dict[str, pl.DataFrame]:
    """Return what the matcher can learn from the reviewers.

    Args:
        matches: whose customer and day it is for.

    Returns:
        ``own``, ``market`` and ``pairs``, as `flows.pipeline.matching.train` takes them.
    """
    with desk_of(matches.store) as database:
        return lessons(database, matches.customer)


def announce_decision(decided: Decided) -> None:
    """Tell Prefect that somebody decided; automations may act on it."""
    emit(
        "dataweave.review.decided",
        f"dataweave.review.task.{decided.task}",
        {
            "customer": decided.customer,
            "batch": decided.batch,
            "state": decided.state,
            "decision": decided.id,
        },
    )
