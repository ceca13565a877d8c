"""Events: one price of one offer, as a producer says it, in JSON.

    {"id": "9f2c…", "at": "2026-08-15T06:00:00Z", "seller": "Green Basket", "store_id": "17",
     "sku": "9521775739137", "name": "Oat drink 1 l", "price": "12.90", "currency": "ILS"}

Fields are those of a price file or of a captured page (`RAW_PRICES`, `WEB_PRICES`); a number is
taken as it is written. ``id`` is the event's own: the same twice counts once; without one the
queue's is taken. ``at`` is when the price was seen: of two prices of an offer the later one
stands, in whatever order they come. Without it, it is when the queue got the message.

What is no event is poison: it will be none the next time either.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import polars as pl

from flows.pipeline.schema import OFFER_KEY, RAW_PRICES, WEB_PRICES
from flows.streams.queues import Message

COLUMNS: Final = {**RAW_PRICES, **WEB_PRICES}
LONGEST_ID: Final = 200
LONGEST_TEXT: Final = 4000
AHEAD: Final = timedelta(minutes=10)
"""By how much a producer's clock may be ahead of the queue's. What was seen in a future was seen
when the queue got it: else one wrong clock would keep an offer's later prices out for as long."""


class Poison(ValueError):
    """A message that is no event.

    Args:
        reason: naming the field.
    """


@dataclass(frozen=True, slots=True)
class Event:
    """One price of one offer.

    Attributes:
        id: the event's own.
        at: when the price was seen, UTC.
        fields: columns of RAW_PRICES and WEB_PRICES that it names, as text.
        message: as it was received.
    """

    id: str
    at: datetime
    fields: dict[str, Any]
    message: Message

    @property
    def key(self) -> tuple[str, str, str]:
        """The offer: seller, store, code."""
        seller, store, sku = (str(self.fields.get(name) or "").strip() for name in OFFER_KEY)
        return seller, store, sku


def parse(message: Message) -> Event:
    """Return what a message says.

    Raises:
        Poison: it is no event, and why.
    """
    given = _object(message.body)
    fields = {name: _text(name, value) for name, value in given.items() if name in COLUMNS}
    for name in ("seller", "sku", "price"):
        if not fields.get(name):
            raise Poison(f"field {name} is missing")
    own = given.get("id")
    if own is not None and (not isinstance(own, str | int) or not 0 < len(str(own)) <= LONGEST_ID):
        raise Poison(f"field id is no text of 1 to {LONGEST_ID} characters")
    at = min(_moment(given.get("at"), message), message.sent + AHEAD)
    name = f"event:{own}" if own is not None else f"message:{message.id}"
    return Event(name, at, fields, message)


def _object(body: bytes) -> dict[str, Any]:
    try:
        # Numbers stay as they are written: a price must not pass through binary fractions.
        given = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
    except UnicodeDecodeError as error:
        raise Poison(f"is not UTF-8: {error.reason} at byte {error.start}") from None
    except RecursionError:
        raise Poison("is nested too deep") from None
    except ValueError as error:
        end = ", the message is empty" if not body.strip() else ""
        raise Poison(f"is not JSON: {error}{end}") from None
    if not isinstance(given, dict):
        raise Poison(f"is a JSON {type(given).__name__}, not an object")
    return given


def _text(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "stale":
        if not isinstance(value, bool):
            raise Poison("field stale is neither true nor false")
        return value
    if name == "source_row":
        return None  # ours
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str):
        raise Poison(f"field {name} is a JSON {type(value).__name__}, not a text or number")
    if len(value) > LONGEST_TEXT:
        raise Poison(f"field {name} is longer than {LONGEST_TEXT:,} characters")
    if "\x00" in value:
        raise Poison(f"field {name} holds a NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Poison(f"field {name} holds half of a character") from None
    return value


def _moment(at: Any, message: Message) -> datetime:
    if at is None:
        return message.sent
    try:
        found = datetime.fromisoformat(str(at))
    except ValueError:
        raise Poison("field at is no ISO 8601 instant such as 2026-08-15T06:00:00Z") from None
    try:
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except OverflowError:
        raise Poison("field at is out of range") from None


def raw_rows(events: Sequence[Event]) -> pl.DataFrame:
    """Return events as raw price rows; ``source_file`` is the event, ``source_row`` its place."""
    rows = {name: [event.fields.get(name) for event in events] for name in COLUMNS}
    rows["source_file"] = [event.id for event in events]
    rows["source_row"] = list(range(len(events)))
    return pl.DataFrame(rows, schema=COLUMNS)


def rounds(events: Sequence[Event]) -> list[list[Event]]:
    """Split events so that no offer is twice in one part, each offer's in their order of time.

    So what comes of an offer's prices does not depend on which of them came in one batch.
    """
    made: list[list[Event]] = []
    count: dict[tuple[str, str, str], int] = {}
    for event in sorted(events, key=lambda event: (event.at, event.message.id)):
        turn = count.get(event.key, 0)
        count[event.key] = turn + 1
        if turn == len(made):
            made.append([])
        made[turn].append(event)
    return made
