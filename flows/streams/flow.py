"""`follow_prices`: consume a stream of prices for as long as the run goes.

Deployed on the queue ``realtime`` and started every hour: the new run waits for the stream, the
old one sees it waiting, finishes its batch and ends. A release does the same with its first start.
SIGTERM ends a run in the same way; what it was killed in the middle of, the next one goes on with.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import flows.customers
from flows.pipeline.customer_rules import rules_of
from flows.pipeline.normalise.offers import Normaliser
from flows.streams.consumer import Consumer, Ending, Pace
from flows.streams.data import DaysData
from flows.streams.database import Database
from flows.streams.delivering import delivering
from flows.streams.lease import Lease, Lost
from flows.streams.ledger import Ledger
from flows.streams.minutes import STEP, Minutes
from flows.streams.patience import Patience
from flows.streams.queues import open_queue
from flows.streams.settings import StreamSettings
from flows.streams.telling import Teller
from flows.streams.work import Worker
from sdk import Run, Settings, Store, Transient, current_run, flow
from sdk.manifest import StepStatistics
from sdk.notices.settings import NoticeSettings
from sdk.statistics import StepRecord, write_record

log = logging.getLogger(__name__)

NAME = "follow-prices"


@flow(name=NAME, tier="silver")
def follow_prices(
    customer: str,
    own_seller: str,
    currency: str,
    queue: str,
    stream: str = "prices",
    owner: str | None = None,
    until_idle: bool = False,
) -> dict[str, Any]:
    """Consume a customer's stream of prices and tell what its rules find.

    Args:
        customer: whose; its rules are those of its daily flow.
        own_seller: the customer's own, as the events name it.
        currency: the customer's, ISO 4217; prices in another are set aside.
        queue: address of the queue; see `flows.streams.queues.address`.
        stream: what the stream is called in the ledger and in the store.
        owner: the team in whose channel it is told.
        until_idle: end when the queue is empty.

    Returns:
        How it ended, and counts of what was done.

    Raises:
        ConfigurationError: the queue cannot be used, or the rules cannot be read.
        Transient: this consumer was away for so long that another took the stream.
    """
    run = current_run()
    with stopping() as stop:
        started = datetime.now(UTC)
        try:
            ending, told = consume(
                customer, own_seller, currency, queue, stream,
                owner=owner, until_idle=until_idle, stop=stop, run=run,
            )  # fmt: skip
        except Lost as error:
            raise Transient(
                f"another consumer took stream {customer}/{stream} while this one was away",
                "Nothing is lost. See why this process stood still.",
            ) from error
    log.info("%s: %s", stream, ending)
    if run is not None:
        _record(run, started, told)
    return {"ending": ending, **told}


def consume(
    customer: str,
    own_seller: str,
    currency: str,
    queue: str,
    stream: str,
    *,
    owner: str | None,
    until_idle: bool,
    stop: threading.Event,
    run: Run | None = None,
    pace: Pace | None = None,
) -> tuple[Ending, dict[str, Any]]:
    """Put a consumer together and let it go; see `follow_prices`."""
    settings, ours, notices = Settings(), StreamSettings(), NoticeSettings()
    zone = ZoneInfo(settings.timezone)
    store = Store(run.store if run else settings.storage)

    def now() -> datetime:
        return datetime.now(UTC)

    def today() -> date:
        return now().astimezone(zone).date()

    run_id = run.run_id if run else ""
    with ExitStack() as closing:
        source = open_queue(
            queue,
            visibility=ours.stream_visibility,
            password=ours.queue_password,
            endpoint=ours.queue_endpoint,
        )
        closing.callback(source.close)
        teller = Teller(
            customer, store.url, settings.environment,
            owner=owner, settings=notices, run_id=run_id, flow=NAME,
        )  # fmt: skip
        patience = Patience(teller, stop)
        database = patience.do("open the ledger", lambda: Database(ours.database_of(store.url)))
        closing.callback(database.close)
        ledger = Ledger(database, f"{customer}/{stream}")
        normaliser = Normaliser(currency=currency)
        rules = rules_of(str(_customer_file(customer)))
        data = DaysData(store, customer, own_seller, ledger, normaliser, today)
        pace = pace or Pace(lease=ours.stream_lease)
        consumer = Consumer(
            source,
            ledger,
            Lease(database, ledger.stream, pace.lease),
            Worker(ledger, teller, normaliser, rules, today=today, now=now),
            patience,
            Minutes(store, customer, stream, run_id or None),
            data.load,
            fresher=data.is_stale,
            now=now,
            pace=pace,
        )
        if ours.stream_deliver and notices.spoken:
            closing.enter_context(delivering(store.url, notices))
        ending = consumer.run(until_idle=until_idle)
        told = consumer.total.statistics()
        return ending, told


def _customer_file(customer: str) -> Path:
    # The rules are read, the customer's flow is not: a stream is no part of it.
    return Path(next(iter(flows.customers.__path__))) / f"{customer}.py"


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield what SIGTERM and SIGINT set within the block, in place of ending the process."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop  # signals are the main thread's
        return

    def ask(*_: object) -> None:
        log.info("asked to stop: finishing the batch")
        stop.set()

    before = {which: signal.signal(which, ask) for which in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for which, handler in before.items():
            signal.signal(which, handler)


def _record(run: Run, started: datetime, told: dict[str, Any]) -> None:
    seconds = (datetime.now(UTC) - started).total_seconds()
    statistics = StepStatistics(
        step=STEP,
        started=started,
        seconds=round(seconds, 3),
        attempts=1,
        rows_in=told["received"],
        rows_out=told["handled"],
        recorded=told,
    )
    entry = StepRecord(
        step=STEP,
        flow=run.flow,
        customer=run.customer,
        day=run.day,
        run_id=run.run_id,
        path=run.path,
        outcome="fresh",
        statistics=statistics,
    )
    write_record(run, entry)
