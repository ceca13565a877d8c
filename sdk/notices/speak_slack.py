"""Carry out in Slack what a fault's state asks for: its head, the remarks in its thread, a page.

Each step leaves the state further on, and saved. Called again, it goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from blocks import Posted, Rejected, SlackChannel
from sdk.notices.build_slack import Message, head, page, remark
from sdk.notices.build_slack import letter as letter_words
from sdk.notices.fault_parts import Head, Page, Saying
from sdk.notices.fault_state import FaultState, settle, unsaid
from sdk.notices.once import Hands, once, since
from sdk.notices.outbox import Letter

GONE = frozenset({"message_not_found", "thread_not_found"})


@dataclass(frozen=True, slots=True)
class Rooms:
    """The channels.

    Attributes:
        channels: by the name of their block.
        default: for everybody without one of their own.
        routes: owner to channel.
        oncall: of those who are paged; without it a page goes where the notice goes.
    """

    channels: Mapping[str, SlackChannel]
    default: str | None = None
    routes: Mapping[str, str] | None = None
    oncall: str | None = None

    def route(self, owner: str | None) -> str | None:
        """Return the name of the channel for an owner's notices."""
        return (self.routes or {}).get(owner or "", self.default)

    @property
    def spoken_in(self) -> list[str]:
        """The channels in which notices are told, without one that only pages."""
        return sorted(filter(None, {self.default, *(self.routes or {}).values()}))


def speak(state: FaultState, rooms: Rooms, hands: Hands, silenced: str) -> None:
    """Bring Slack to where the state is.

    Args:
        state: changed as things are said.
        rooms: the channels.
        hands: what doing needs.
        silenced: in words; a silenced fault makes no new message, its head is kept right.

    Raises:
        Later, DeliveryError, Lost: as `once`; what was done so far is saved.
    """
    if silenced:
        fall_silent(state)
    elif state.head is None or not state.head.ts:
        _begin(state, rooms, hands)
    if state.head is None or not state.head.ts:
        hands.save()
        return
    channel = rooms.channels.get(state.head.route)
    if channel is None:
        # Its block is no longer configured: the story goes on elsewhere.
        state.head = None
        hands.save()
        return
    try:
        _renew(state, state.head, channel, hands, silenced)
        for saying in list(unsaid(state, "slack")):
            _reply(state, saying, channel, hands)
    except Rejected as error:
        if error.code not in GONE:
            raise
        state.head = None  # deleted by somebody: the next pass posts another
        hands.save()
    for call in list(state.pages):
        _page(state, call, rooms, hands)


def fall_silent(state: FaultState) -> None:
    """Leave unsaid what is left to say in the thread."""
    for saying in list(unsaid(state, "slack")):
        settle(state, saying, "slack")
    state.pages = []


def _begin(state: FaultState, rooms: Rooms, hands: Hands) -> None:
    if state.head is None or not state.head.route:
        route = rooms.route(state.latest.owner)
        if route is None or route not in rooms.channels:
            return
        state.head = Head(route=route, tried=state.head.tried if state.head else None)
    mine = state.head
    channel = rooms.channels.get(mine.route)
    if channel is None:
        state.head = None
        return
    words, told = head(state), [saying.key for saying in unsaid(state, "slack")]
    looked = mine.tried is not None
    key = f"{state.fingerprint}-head-{state.story}"
    posted = once(
        hands,
        mine.tried,
        settles=hands.pace.slack_settles,
        mark=lambda at: setattr(mine, "tried", at),
        look=lambda: channel.find(key, since=_since(mine.tried, hands)),
        do=lambda: channel.post(words.text, words.blocks, key=key),
    )
    # One that was found was posted by a sender who died: what it says, nobody knows.
    shown = "" if looked else words.revision
    state.head = Head(route=mine.route, channel=posted.channel, ts=posted.ts, shown=shown)
    # What became due before anything was said is told by the head itself.
    for saying in list(unsaid(state, "slack")):
        if saying.key in told:
            settle(state, saying, "slack")
    hands.save()


def _renew(
    state: FaultState, mine: Head, channel: SlackChannel, hands: Hands, silenced: str
) -> None:
    words = head(state, silenced)
    if words.revision != mine.shown:
        hands.keep()
        channel.update(Posted(mine.channel, mine.ts), words.text, words.blocks)
        mine.shown = words.revision
        hands.save()


def _reply(state: FaultState, saying: Saying, channel: SlackChannel, hands: Hands) -> None:
    assert state.head is not None
    words, thread = remark(state, saying), Posted(state.head.channel, state.head.ts)
    tried = saying.tried.get("slack")
    once(
        hands,
        tried,
        settles=hands.pace.slack_settles,
        mark=lambda at: _mark(saying, at),
        look=lambda: channel.find(saying.key, since=_since(tried, hands), thread=thread),
        do=lambda: channel.post(words.text, words.blocks, thread=thread, key=saying.key),
    )
    settle(state, saying, "slack")
    hands.save()


def _page(state: FaultState, call: Page, rooms: Rooms, hands: Hands) -> None:
    name = rooms.oncall or rooms.route(call.notice.owner)
    channel = rooms.channels.get(name or "")
    if channel is not None:
        _post(channel, call.key, page(call.notice), call, hands)
    state.pages = [other for other in state.pages if other.key != call.key]
    hands.save()


def deliver(letter: Letter, rooms: Rooms, hands: Hands) -> None:
    """Post a letter, once.

    Raises:
        Rejected: its channel is not there, or does not take it.
        Later, DeliveryError, Lost: as `once`.
    """
    channel = rooms.channels.get(letter.route)
    if channel is None:
        raise Rejected(
            f"no channel {letter.route!r} is configured",
            "Name its block in DATAWEAVE_SLACK_BLOCK or DATAWEAVE_SLACK_ROUTES.",
            code="no_channel",
        )
    words = letter_words(letter.subject, letter.body)
    _post(channel, letter.key, words, letter, hands)


def _post(
    channel: SlackChannel, key: str, words: Message, mine: Letter | Page, hands: Hands
) -> None:
    """Post a message of its own once; see `once`."""
    once(
        hands,
        mine.tried,
        settles=hands.pace.slack_settles,
        mark=lambda at: setattr(mine, "tried", at),
        look=lambda: channel.find(key, since=_since(mine.tried, hands)),
        do=lambda: channel.post(words.text, words.blocks, key=key),
    )


def _mark(saying: Saying, at: datetime | None) -> None:
    if at is None:
        saying.tried.pop("slack", None)
    else:
        saying.tried["slack"] = at


def _since(tried: datetime | None, hands: Hands) -> float:
    return since(tried, hands.now()).timestamp()
