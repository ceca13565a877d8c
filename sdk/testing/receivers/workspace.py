"""A Slack workspace in memory: channels, messages, and the Web API's methods on them.

The methods take a call's arguments and return its answer without ``ok``; they raise `SlackError`
in Slack's words. Nothing here knows HTTP (`slack` does) and nothing locks: a receiver answers one
request at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeVar

from sdk.testing.receivers.blockkit import problems
from sdk.testing.receivers.messages import Channel, Message

T = TypeVar("T")

MAX_TEXT = 40_000
"""Characters of a message's `text` beyond which Slack refuses it."""

TEAM, BOT, BOT_USER = "T0000000001", "B0000000001", "U0000000001"


class SlackError(Exception):
    """An error in Slack's words, such as ``channel_not_found``, with what else is told of it."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code = code
        self.more = more


class Workspace:
    """Channels and what was said in them.

    Args:
        clock: seconds since the epoch; timestamps follow it and never repeat.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.channels: dict[str, Channel] = {}
        self._last = 0

    def call(self, method: str, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out a method of the Web API."""
        known = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post_message,
            "chat.update": self._update,
            "chat.delete": self._delete,
            "chat.getPermalink": self._permalink,
            "conversations.list": self._list,
            "conversations.info": self._info,
            "conversations.join": self._join,
            "conversations.history": self._history,
            "conversations.replies": self._replies,
        }.get(method)
        if known is None:
            raise SlackError("unknown_method", req_method=method)
        return known(given)

    def _auth_test(self, given: dict[str, Any]) -> dict[str, Any]:
        return {
            "url": "https://receiver.slack.com/",
            "team": "receiver",
            "user": "bot",
            "team_id": TEAM,
            "user_id": BOT_USER,
            "bot_id": BOT,
        }

    def _post_message(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self.find(str(given.get("channel", "")).removeprefix("#"))
        if channel is None or (channel.private and not channel.member):
            raise SlackError("channel_not_found")
        if not channel.member and not channel.archived:
            raise SlackError("not_in_channel")
        message = self.post(channel, given, user=BOT_USER)
        return {"channel": channel.id, "ts": message.ts, "message": channel.shown(message)}

    def post(self, channel: Channel, given: dict[str, Any], *, user: str) -> Message:
        """Add a message to a channel and return it; no user where a webhook speaks."""
        if channel.archived:
            raise SlackError("is_archived")
        text, blocks = _content(given)
        thread = str(given.get("thread_ts") or "") or None
        if thread is not None:
            head = channel.find(thread)
            if head is None or head.thread_ts not in (None, head.ts):
                raise SlackError("thread_not_found")
        moment = max(int(self.clock() * 1_000_000), self._last + 1)
        self._last = moment
        message = Message(
            ts=f"{moment // 1_000_000}.{moment % 1_000_000:06d}",
            text=text,
            blocks=blocks,
            user=user,
            thread_ts=thread,
            metadata=decoded(given.get("metadata")) or None,
        )
        channel.messages.append(message)
        return message

    def _update(self, given: dict[str, Any]) -> dict[str, Any]:
        channel, message = self._message(given)
        if channel.archived:
            raise SlackError("is_archived")
        if message.user != BOT_USER:
            raise SlackError("cant_update_message")
        text, blocks = _content(given)
        message.earlier.append(message.text)
        message.text, message.blocks = text, blocks
        if "metadata" in given:
            message.metadata = decoded(given["metadata"]) or None
        shown = channel.shown(message)
        return {"channel": channel.id, "ts": message.ts, "text": text, "message": shown}

    def _delete(self, given: dict[str, Any]) -> dict[str, Any]:
        channel, message = self._message(given)
        channel.messages.remove(message)
        return {"channel": channel.id, "ts": message.ts}

    def _permalink(self, given: dict[str, Any]) -> dict[str, Any]:
        channel, message = self._message({"ts": given.get("message_ts"), **given})
        digits = message.ts.replace(".", "")
        return {
            "channel": channel.id,
            "permalink": f"https://receiver.slack.com/archives/{channel.id}/p{digits}",
        }

    def _list(self, given: dict[str, Any]) -> dict[str, Any]:
        hidden = str(given.get("exclude_archived", "")).lower() in ("1", "true")
        shown = [c for c in self.channels.values() if not (hidden and c.archived)]
        page, cursor = _page(shown, given)
        return {"channels": [c.described() for c in page], **cursor}

    def _info(self, given: dict[str, Any]) -> dict[str, Any]:
        return {"channel": self._by_id(given).described()}

    def _join(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._by_id(given)
        if channel.archived:
            raise SlackError("is_archived")
        if channel.private:
            raise SlackError("method_not_supported_for_channel_type")
        channel.member = True
        return {"channel": channel.described()}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._by_id(given, member=True)
        heads = [m for m in channel.messages if m.thread_ts in (None, m.ts)]
        return self._messages(channel, list(reversed(_between(heads, given))), given)

    def _replies(self, given: dict[str, Any]) -> dict[str, Any]:
        channel = self._by_id(given, member=True)
        head = channel.find(str(given.get("ts", "")))
        if head is None:
            raise SlackError("thread_not_found")
        return self._messages(channel, [head, *_between(channel.replies(head.ts), given)], given)

    def _messages(
        self, channel: Channel, messages: list[Message], given: dict[str, Any]
    ) -> dict[str, Any]:
        told = str(given.get("include_all_metadata", "")).lower() in ("1", "true")
        page, cursor = _page(messages, given)
        more = bool(cursor["response_metadata"]["next_cursor"])
        return {
            "messages": [channel.shown(m, metadata=told) for m in page],
            "has_more": more,
            **cursor,
        }

    def _message(self, given: dict[str, Any]) -> tuple[Channel, Message]:
        channel = self._by_id(given)
        message = channel.find(str(given.get("ts") or ""))
        if message is None:
            raise SlackError("message_not_found")
        return channel, message

    def _by_id(self, given: dict[str, Any], *, member: bool = False) -> Channel:
        channel = self.channels.get(str(given.get("channel", "")))
        if channel is None or (channel.private and not channel.member):
            raise SlackError("channel_not_found")
        if member and not channel.member:
            raise SlackError("not_in_channel")
        return channel

    def find(self, name: str) -> Channel | None:
        """Return a channel by its name or id."""
        by_name = (c for c in self.channels.values() if c.name == name)
        return self.channels.get(name) or next(by_name, None)


def decoded(value: Any) -> Any:
    """Return what a form holds as JSON text; other values are as they are."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return None


def _content(given: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    text = str(given.get("text") or "")
    raw = given.get("blocks")
    blocks = decoded(raw) if raw else []
    if blocks is None:
        raise SlackError("invalid_blocks_format")
    found = problems(blocks) if blocks else []
    if found:
        told = {"messages": [f"[ERROR] {problem}" for problem in found]}
        raise SlackError("invalid_blocks", errors=found, response_metadata=told)
    if not text and not blocks and not given.get("attachments"):
        raise SlackError("no_text")
    if len(text) > MAX_TEXT:
        raise SlackError("msg_too_long")
    return text, blocks


def _between(messages: list[Message], given: dict[str, Any]) -> list[Message]:
    oldest, latest = str(given.get("oldest") or "0"), str(given.get("latest") or "")
    inclusive = str(given.get("inclusive", "")).lower() in ("1", "true")

    def kept(message: Message) -> bool:
        moment = float(message.ts)
        after = moment > float(oldest) or (inclusive and moment == float(oldest))
        before = not latest or moment < float(latest) or (inclusive and moment == float(latest))
        return after and before

    return [message for message in messages if kept(message)]


def _page(items: list[T], given: dict[str, Any]) -> tuple[list[T], dict[str, Any]]:
    """Return the page that a cursor points to; a cursor is an opaque text to the caller."""
    size = min(int(given.get("limit") or 100), 999)
    cursor = str(given.get("cursor") or "")
    start = int(cursor.removeprefix("next:")) if cursor.startswith("next:") else 0
    following = f"next:{start + size}" if start + size < len(items) else ""
    return items[start : start + size], {"response_metadata": {"next_cursor": following}}
