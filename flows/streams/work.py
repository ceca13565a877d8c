"""What a batch of messages does: parse, normalise, compare, hold the rules against it.

Reads the ledger, changes nothing in it: what is to be done comes back as `Effects`. A message that
is no event, or whose row the normaliser sets aside, is poison with its reason and costs no other
message anything. One on which the code itself fails is found by working on each event alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

import polars as pl

from flows.pipeline.normalise.offers import Normaliser
from flows.pipeline.rules import Rules
from flows.pipeline.schema import OFFER_KEY, OFFERS, empty
from flows.streams.compare import alerts_of, see
from flows.streams.event import Event, Poison, parse, raw_rows, rounds
from flows.streams.ledger import Effects, Ledger, offer_name
from flows.streams.queues import Message
from flows.streams.standing import Standing
from flows.streams.telling import Teller
from sdk.errors import Permanent, PlatformError

log = logging.getLogger(__name__)

MANY = 10
"""Events of a batch that all fail: that is our defect, not theirs."""


@dataclass
class Sorted:
    """Messages by what they are.

    Attributes:
        rounds: events to work on, one part after the other.
        poison: messages that are no events, with the reason.
        repeated: messages whose event was handled before.
        buried: messages that were found to be poison before, with the reason, and are not out of
            the queue yet.
    """

    rounds: list[list[Event]] = field(default_factory=list)
    poison: list[tuple[Message, str]] = field(default_factory=list)
    repeated: list[Message] = field(default_factory=list)
    buried: list[tuple[Message, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Done:
    """What came of a round.

    Attributes:
        effects: to be committed.
        standing: the market afterwards.
        poison: messages to be set aside, with the reason.
    """

    effects: Effects
    standing: Standing
    poison: tuple[tuple[Message, str], ...]


class Worker:
    """Works on batches of one customer's stream.

    Args:
        ledger: of the stream.
        teller: words alerts.
        normaliser: of the customer.
        rules: the customer's.
        today: the day, in the customer's time zone.
        now: the clock, UTC.
    """

    def __init__(
        self,
        ledger: Ledger,
        teller: Teller,
        normaliser: Normaliser,
        rules: Rules,
        *,
        today: Callable[[], date],
        now: Callable[[], datetime],
    ) -> None:
        self.ledger, self.teller = ledger, teller
        self.normaliser, self.rules = normaliser, rules
        self.today, self.now = today, now

    def sort(self, messages: Sequence[Message]) -> Sorted:
        """Tell events from poison and from what was handled before."""
        made = Sorted()
        events: dict[str, Event] = {}
        for message in messages:
            try:
                event = parse(message)
            except Poison as error:
                made.poison.append((message, str(error)))
                continue
            if event.id in events:
                made.repeated.append(message)
            else:
                events[event.id] = event
        known = self.ledger.known([*events, *(_name(message) for message, _ in made.poison)])
        made.buried = [one for one in made.poison if _name(one[0]) in known]
        made.poison = [one for one in made.poison if _name(one[0]) not in known]
        for event in events.values():
            if event.id in known:
                reason = known[event.id]
                if reason is None:
                    made.repeated.append(event.message)
                else:
                    made.buried.append((event.message, reason))
        made.rounds = rounds([event for event in events.values() if event.id not in known])
        return made

    def set_aside(self, poison: Sequence[tuple[Message, str]]) -> Effects:
        """Return the effects of messages that are no events."""
        effects = Effects(handled={_name(message): reason for message, reason in poison})
        effects.counts.dead = len(poison)
        return effects

    def work(self, events: Sequence[Event], standing: Standing) -> Done:
        """Return what some events do, of which no two are of one offer.

        Raises:
            Permanent: the code fails on every one of many events.
            PlatformError: the ledger cannot be read.
        """
        try:
            return self._work(events, standing)
        except PlatformError:
            raise
        except Exception as error:
            if len(events) == 1:
                return self._failed(events[0], error, standing)
            log.warning("a batch of %d events fails (%r); each is tried alone", len(events), error)
        return self._each(events, standing)

    def _each(self, events: Sequence[Event], standing: Standing) -> Done:
        total = Effects()
        poison: list[tuple[Message, str]] = []
        for event in events:
            done = self.work([event], standing)
            standing = done.standing
            poison.extend(done.poison)
            total = _both(total, done.effects)
        if len(poison) == len(events) >= MANY:
            raise Permanent(
                f"every one of {len(events)} events fails: {poison[0][1]}",
                "The events are left in their queue: correct the code, or go back a release.",
            )
        return Done(total, standing, tuple(poison))

    def _failed(self, event: Event, error: Exception, standing: Standing) -> Done:
        said = " ".join(str(error).split())[:300]
        reason = f"cannot be worked on: {type(error).__name__}: {said}"
        log.exception("event %s is set aside", event.id)
        effects = Effects(handled={event.id: reason})
        effects.counts.dead = 1
        return Done(effects, standing, ((event.message, reason),))

    def _work(self, events: Sequence[Event], standing: Standing) -> Done:
        day = self.today()
        made = self.normaliser.offers(raw_rows(events), day)
        by_id = {event.id: event for event in events}
        poison, superseded = self._rejected(made.rejected, by_id)
        changed, late = self._latest(made.offers, by_id)
        # Two spellings of one offer's key, at one price: the normaliser made one of them.
        gone = set(by_id) - {*poison, *superseded, *late, *changed["source_file"]}
        effects = Effects(handled={name: poison.get(name) for name in by_id})
        effects.counts.handled = len(events) - len(poison)
        effects.counts.dead = len(poison)
        effects.counts.superseded = len(superseded) + len(late) + len(gone)
        if changed.height:
            standing = self._compared(changed, standing, day, effects, by_id)
        return Done(
            effects, standing, tuple((by_id[name].message, why) for name, why in poison.items())
        )

    def _rejected(
        self, rejected: pl.DataFrame, by_id: dict[str, Event]
    ) -> tuple[dict[str, str], set[str]]:
        poison: dict[str, str] = {}
        superseded: set[str] = set()
        for name, reason, where in rejected.select("source_file", "reason", "field").iter_rows():
            if " is superseded: " in reason:
                superseded.add(name)
            else:
                poison[name] = f"field {where}: {reason}"
        return poison, superseded & set(by_id)

    def _latest(
        self, offers: pl.DataFrame, by_id: dict[str, Event]
    ) -> tuple[pl.DataFrame, set[str]]:
        """Return the offers whose price is not older than the one that is known, and the others."""
        if offers.is_empty():
            return empty(OFFERS), set()
        names = [offer_name(key) for key in offers.select(OFFER_KEY).iter_rows()]
        known = self.ledger.seen_at(names)
        late = [
            name in known and by_id[event].at.replace(tzinfo=None) < known[name]
            for name, event in zip(names, offers["source_file"], strict=True)
        ]
        mask = pl.Series(late, dtype=pl.Boolean)
        return offers.filter(~mask), set(offers.filter(mask)["source_file"])

    def _compared(
        self,
        changed: pl.DataFrame,
        standing: Standing,
        day: date,
        effects: Effects,
        by_id: dict[str, Event],
    ) -> Standing:
        seen = see(standing, changed, self.rules, day)
        before = self.ledger.alerts(seen.items | _found(seen.findings))
        alerts = alerts_of(seen, before, day)
        notices = self.teller.notices(alerts, before, self.ledger, self.now())
        effects.alerts = alerts
        effects.notices = [notice.model_dump_json(exclude_none=True) for notice in notices]
        effects.counts.compared = seen.compared.height
        effects.counts.alerts = int((alerts["state"] == "told").sum())
        effects.counts.notices = len(notices)
        for row in changed.select(*OFFER_KEY, "source_file").iter_rows():
            event = by_id[row[-1]]
            at = event.at.replace(tzinfo=None)
            effects.prices[offer_name(row[:-1])] = (at, day, event.fields)
        return seen.standing


def remembered(
    normaliser: Normaliser, prices: Sequence[tuple[date, dict[str, object]]]
) -> pl.DataFrame:
    """Return the offers of the ledger's prices, as they were made of their events.

    Args:
        normaliser: of the customer.
        prices: days and fields, one for each offer.
    """
    made = [empty(OFFERS)]
    by_day: dict[date, list[dict[str, object]]] = {}
    for day, fields in prices:
        by_day.setdefault(day, []).append(fields)
    for day, rows in sorted(by_day.items()):
        raw = pl.DataFrame(rows, schema=_raw_schema())
        made.append(normaliser.offers(raw, day).offers)
    return pl.concat(made).unique(OFFER_KEY, keep="last", maintain_order=True)


def _raw_schema() -> dict[str, pl.DataType]:
    from flows.streams.event import COLUMNS

    return dict(COLUMNS)


def _found(findings: Sequence[object]) -> frozenset[tuple[str, str]]:
    return frozenset(
        (finding.rule.name, str(item))  # type: ignore[attr-defined]
        for finding in findings
        for item in finding.rows["item"]  # type: ignore[attr-defined]
    )


def _name(message: Message) -> str:
    return f"message:{message.id}"


def _both(one: Effects, two: Effects) -> Effects:
    frames = [frame for frame in (one.alerts, two.alerts) if frame is not None]
    return replace(
        one,
        handled=one.handled | two.handled,
        prices=one.prices | two.prices,
        alerts=pl.concat(frames) if frames else None,
        notices=[*one.notices, *two.notices],
        counts=one.counts + two.counts,
    )
