"""A stream from its queue to its notices, in one process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from flows.pipeline.direction import isolate
from flows.pipeline.normalise.offers import Normaliser
from flows.pipeline.schema import MATCHES
from flows.streams import consumer as consuming
from flows.streams.consumer import Pace
from flows.streams.event import parse, raw_rows
from flows.streams.queues import Depth
from flows.streams.queues.spool import Spool
from sdk import DatasetKey, Permanent, StorageError, Transient
from sdk.testing.processes import wait_until
from tests.flows.streams.market import NOW, OTHER, OWN, Stream, gtin, price
from tests.flows.streams.test_event import message


def undercut(number: str, theirs: str, own: str, share: str) -> str:
    """Return what an alert says of a product."""
    name, seller = isolate(f"Oat drink {number}"), isolate(OTHER)
    return f"{name} — {seller} asks {theirs} ILS, own is {own} ILS: {share} % below"


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    made = Stream(tmp_path, Spool(tmp_path / "spool", 60))
    yield made
    made.close()


def test_a_price_that_undercuts_is_told_once(stream: Stream) -> None:
    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 1, "19.50"), price(OTHER, 2, "1.00")])
    stream.consume()
    assert stream.alerts() == []
    stream.queue.send([price(OTHER, 1, "15.00", at=1), price(OTHER, 1, "15.00", at=1)])
    stream.consume()
    told = [undercut("1", "15.00", "20.00", "25.0")]
    assert stream.alerts() == told
    # It still undercuts, more or less, the same day and the next: nothing new.
    stream.queue.send([price(OTHER, 1, "14.00", at=2)])
    stream.consume()
    stream.clock += timedelta(days=1)
    stream.queue.send([price(OTHER, 1, "14.50", at=3)])
    stream.consume()
    assert stream.alerts() == told
    # It ended: said once, and a price that flickers back is not told again.
    stream.queue.send([price(OTHER, 1, "20.00", at=4)])
    stream.consume()
    stream.queue.send([price(OTHER, 1, "20.10", at=5), price(OTHER, 1, "14.00", at=6)])
    stream.consume()
    assert [notice.kind for notice in stream.told()] == ["alert", "mended"]
    # After the cool-down it is.
    stream.clock += timedelta(days=5)
    stream.queue.send([price(OTHER, 1, "13.00", at=7)])
    stream.consume()
    assert len(stream.alerts()) == 2
    assert stream.queue.depth() == Depth(0, 0, 0)


def test_an_own_price_is_compared_with_the_market_that_stands(stream: Stream) -> None:
    stream.queue.send([price(OTHER, 1, "15.00"), price(OWN, 1, "15.00")])
    stream.consume()
    stream.queue.send([price(OWN, 1, "30.00", at=1)])
    stream.consume()
    assert stream.alerts() == [undercut("1", "15.00", "30.00", "50.0")]


def test_the_later_price_stands_in_whatever_order_they_come(stream: Stream) -> None:
    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 1, "19.00", at=10)])
    stream.consume()
    stream.queue.send([price(OTHER, 1, "10.00", at=5)])
    assert stream.consume().total.superseded == 1
    assert stream.alerts() == []
    # Two prices of one offer in one batch: both count, in their order.
    stream.queue.send([price(OTHER, 1, "19.50", at=21), price(OTHER, 1, "11.00", at=20)])
    stream.consume()
    assert [notice.kind for notice in stream.told()] == ["alert", "mended"]


def test_poison_is_set_aside_with_its_reason_and_costs_nothing_else(stream: Stream) -> None:
    stream.queue.send([
        price(OWN, 1, "20.00"), b"[]", price(OTHER, 2, "0.01"),
        price(OTHER, 3, "7", currency="EUR"), price(OTHER, 1, "10.00", at=1),
    ])  # fmt: skip
    total = stream.consume().total
    assert (total.received, total.handled, total.dead) == (5, 2, 3)
    assert len(stream.alerts()) == 1
    reasons = sorted(path.read_text() for path in stream.folder.glob("spool/dead/*.reason"))
    assert [reason[:28] for reason in reasons] == [
        "field currency: currency EUR",
        "field price: placeholder pri",
        "is a JSON list, not an objec",
    ]
    assert stream.queue.depth() == Depth(0, 0, 3)


def test_an_event_on_which_the_code_fails_is_set_aside_alone(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Normaliser.offers

    def fails(self: Normaliser, raw: pl.DataFrame, day: date) -> Any:
        if (raw["sku"] == gtin(7)).any():
            raise ZeroDivisionError("seven")
        return real(self, raw, day)

    monkeypatch.setattr(Normaliser, "offers", fails)
    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 7, "5"), price(OTHER, 1, "10.00")])
    total = stream.consume().total
    assert (total.handled, total.dead) == (2, 1)
    [reason] = stream.folder.glob("spool/dead/*.reason")
    assert reason.read_text() == "cannot be worked on: ZeroDivisionError: seven\n"
    assert len(stream.alerts()) == 1


def test_code_that_fails_on_everything_sets_nothing_aside(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Normaliser, "offers", fails)
    stream.queue.send([price(OTHER, number, "5") for number in range(20)])
    with pytest.raises(Permanent, match="every one of 20 events fails"):
        stream.consume()
    monkeypatch.undo()
    assert stream.queue.depth().dead == 0
    assert stream.consume().total.handled == 20


def test_a_message_that_kills_consumers_is_set_aside_in_the_end(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kills(self: Any, events: Any, standing: Any) -> Any:
        if any(event.fields["sku"] == gtin(7) for event in events):
            raise Killed
        return real(self, events, standing)

    real = consuming.Worker.work
    monkeypatch.setattr(consuming.Worker, "work", kills)
    queue = Spool(stream.folder / "spool", 0.05)
    stream.queue = queue
    stream.queue.send([price(OTHER, 7, "5"), *(price(OTHER, n, "5") for n in range(20, 25))])
    for _ in range(consuming.HOPELESS + 5):
        if queue.depth().dead:
            break
        try:
            stream.consume()
        except Killed:
            wait_until(lambda: queue.depth().working == 0 or bool(queue._rescue()), 60, "rescue")
    [reason] = stream.folder.glob("spool/dead/*.reason")
    assert reason.read_text() == "was received 11 times and never finished\n"
    stream.consume()
    assert queue.depth() == Depth(0, 0, 1)


def test_the_days_matches_and_decisions_stand_above_barcodes(stream: Stream) -> None:
    made = Normaliser(currency="ILS").offers(
        raw_rows([parse(message(price(OWN, 1, "20.00"))), parse(message(price(OWN, 2, "20.00"))),
                  parse(message(price(OTHER, 1, "20.00"))),
                  parse(message(price(OTHER, 3, "20.00", sku="loose")))]),
        NOW.date(),
    ).offers  # fmt: skip
    pair = {"own_seller": OWN, "own_store_id": "1", "seller": OTHER, "store_id": "1",
            "day": NOW.date(), "kind": "exact", "probability": 1.0,
            "method": "decision"}  # fmt: skip
    matches = pl.DataFrame(
        [
            {**pair, "own_sku": gtin(1), "sku": gtin(1), "decision": "reject", "reason": "no"},
            {**pair, "own_sku": gtin(2), "sku": "loose", "decision": "accept"},
        ],
        schema=MATCHES,
    )
    for name, frame in (("offers", {"offers": made}), ("decided_matches", matches)):
        key = DatasetKey(customer="orchard", name=name, day=NOW.date())
        stream.store.publish(key, frame, fingerprint="")
    stream.queue.send(
        [price(OTHER, 1, "10.00"), price(OTHER, 9, "10.00", sku="loose", name="Loose")]
    )
    stream.consume()
    assert stream.alerts() == [undercut("2", "10.00", "20.00", "50.0")]


def test_a_new_consumer_knows_the_prices_that_came_before(stream: Stream) -> None:
    stream.queue.send([price(OWN, 1, "20.00")])
    stream.consume()
    stream.queue.send([price(OTHER, 1, "10.00")])
    stream.consume()
    assert len(stream.alerts()) == 1


def test_each_minute_has_a_manifest_and_they_add_up(stream: Stream) -> None:
    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 1, "10.00"), b"?}"])
    stream.consume()
    stream.clock += timedelta(minutes=1)
    stream.queue.send([price(OTHER, 2, "10.00"), price(OTHER, 1, "10.00")])
    stream.consume()
    key = DatasetKey(customer="orchard", name="stream-prices", day=NOW.date())
    manifests = list(stream.store.ledger(key))
    recorded = [m.statistics.recorded for m in manifests if m.statistics]
    assert len(recorded) == 2
    assert sum(told["received"] for told in recorded) == 5
    assert sum(told["handled"] for told in recorded) == 3
    assert [told["dead"] for told in recorded] == [0, 1]
    assert [told["repeated"] for told in recorded] == [1, 0]
    assert all(told["lag_p95"] is not None for told in recorded)
    statistics = manifests[1].statistics
    assert statistics is not None
    assert (statistics.step, statistics.rows_in, statistics.rows_out) == ("consume", 3, 2)


def test_a_quiet_minute_has_a_manifest_too(stream: Stream) -> None:
    made = stream.consumer(pace=Pace(pause=0, wait=0.01))
    thread = threading.Thread(target=made.run)
    thread.start()
    key = DatasetKey(customer="orchard", name="stream-prices", day=NOW.date())
    try:
        for wanted in (1, 2):
            wait_until(lambda: made.minutes._current is not None, 60, "it does not begin")
            stream.clock += timedelta(minutes=1)
            wait_until(lambda n=wanted: len(stream.store.versions(key)) >= n, 120, "no manifest")
    finally:
        stream.stop.set()
        thread.join()
    assert {m.rows for m in stream.store.ledger(key)} == {1}


class Away:
    """Something that fails as often as it is told, in some of its methods."""

    def __init__(self, real: Any, error: Exception, methods: set[str], times: int) -> None:
        self._real, self._error, self._methods = real, error, methods
        self.left = times

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._real, name)
        if name not in self._methods:
            return value

        def fails(*arguments: Any, **more: Any) -> Any:
            if self.left > 0:
                self.left -= 1
                raise self._error
            return value(*arguments, **more)

        return fails


def test_a_queue_that_is_away_is_waited_for_and_said(stream: Stream) -> None:
    error = Transient("spool does not answer", "See to it.")

    def wrap(thing: Any, name: str) -> Any:
        return Away(thing, error, {"receive"}, 4) if name == "queue" else thing

    stream.queue.send([price(OWN, 1, "20.00")])
    assert stream.consume(wrap=wrap, tell_after=0).total.handled == 1
    stuck, mended = stream.told()
    assert (stuck.kind, stuck.severity, stuck.step) == ("stuck", "error", "receive")
    assert "spool does not answer" in stuck.headline
    assert (mended.kind, mended.fault) == ("mended", stuck.fault)


def test_a_short_outage_is_not_worth_a_notice(stream: Stream) -> None:
    def wrap(thing: Any, name: str) -> Any:
        methods = {"receive", "done", "commit", "known"}
        return Away(thing, Transient("away"), methods, 3) if name != "teller" else thing

    stream.queue.send([price(OWN, 1, "20.00")])
    assert stream.consume(wrap=wrap).total.handled == 1
    assert stream.told() == []


def test_a_stop_ends_the_waiting_for_a_queue_that_is_away(stream: Stream) -> None:
    def wrap(thing: Any, name: str) -> Any:
        return Away(thing, Transient("away"), {"receive"}, 10**9) if name == "queue" else thing

    made = stream.consumer(wrap=wrap)
    threading.Timer(0.3, stream.stop.set).start()
    assert made.run() == "stopped"


def test_a_full_outbox_costs_no_alert(stream: Stream) -> None:
    full = StorageError("storage: no space left on device", "Make room.")

    def wrap(thing: Any, name: str) -> Any:
        return Away(thing, full, {"put_out"}, 10**9) if name == "teller" else thing

    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 1, "10.00")])
    stream.consumer(wrap=wrap).run(until_idle=True)
    assert stream.told() == []
    stream.consume()
    assert len(stream.alerts()) == 1


def test_nothing_is_taken_while_too_much_is_unsaid(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "MOST_UNSAID", 1)
    full = StorageError("storage: no space left on device", "Make room.")
    away = Away(None, full, {"put_out"}, 10**9)

    def wrap(thing: Any, name: str) -> Any:
        if name != "teller":
            return thing
        away._real = thing
        return away

    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 1, "10.00")])
    made = stream.consumer(wrap=wrap)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        wait_until(lambda: len(made.ledger.unsaid()) == 1, 120, "no notice is committed")
        stream.queue.send([price(OTHER, 2, "10.00")])
        wait_until(lambda: stream.queue.depth().working == 0, 120, "the batch does not end")
        assert not stream.stop.wait(2.0)
        assert stream.queue.depth().waiting == 1
        away.left = 0
        wait_until(lambda: stream.queue.depth().waiting == 0, 120, "it does not go on")
    finally:
        stream.stop.set()
        thread.join()
    assert len(stream.alerts()) == 1


def test_a_full_disk_under_the_ledger_loses_nothing(stream: Stream) -> None:
    database = stream.database()
    stream.consume(database=database)
    with database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    limits = [pages]

    import sqlalchemy as sa

    @sa.event.listens_for(database.engine, "begin")
    def _limited(connection: Any) -> None:
        connection.exec_driver_sql(f"PRAGMA max_page_count={limits[-1]}")

    stream.queue.send([price(OWN, 1, "20.00")])
    stream.queue.send([price(OTHER, n, "10.00", name="x" * 900) for n in range(1, 60)])
    made = stream.consumer(database=database, tell_after=0)
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        wait_until(lambda: any("full" in n.headline for n in stream.told()), 120, "not said")
        assert stream.queue.depth().working == 60
        limits.append(1_000_000)
        wait_until(lambda: stream.queue.depth() == Depth(0, 0, 0), 120, "it does not go on")
    finally:
        stream.stop.set()
        thread.join()
    assert made.total.handled == 60
    assert [n.kind for n in stream.told() if n.step == "commit"] == ["stuck", "mended"]


def test_a_clock_that_was_ahead_silences_nothing_afterwards(stream: Stream) -> None:
    stream.clock = NOW + timedelta(days=4000)
    stream.queue.send([price(OWN, 1, "20.00"), price(OTHER, 1, "10.00")])
    stream.consume()
    stream.clock = NOW
    stream.queue.send([price(OTHER, 1, "10.10", at=1), price(OTHER, 1, "30.00", at=2)])
    stream.consume()
    stream.clock = NOW + timedelta(days=10)
    stream.queue.send([price(OTHER, 1, "10.00", at=3)])
    stream.consume()
    assert [notice.kind for notice in stream.told()].count("alert") == 2


def test_secrets_of_the_settings_are_in_nothing_that_is_written(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.streams.settings import StreamSettings

    monkeypatch.setenv("DATAWEAVE_QUEUE_PASSWORD", "s3cr3t-w0rd")
    monkeypatch.setenv("DATAWEAVE_STREAM_DATABASE", "postgresql://ann:s3cr3t-w0rd@nowhere/x")
    assert "s3cr3t" not in repr(StreamSettings()) + str(StreamSettings().model_dump())
