"""What the Slack stand-in keeps: channels and their messages, as tests look at them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Message:
    """A message as it stands now.

    Attributes:
        ts: its timestamp, which is its identity in the channel.
        user: who posted it; empty for a webhook.
        thread_ts: the head's timestamp where this is a reply.
        metadata: what the sender attached for machines.
        earlier: its texts before each edit, oldest first.
    """

    ts: str
    text: str
    blocks: list[dict[str, Any]]
    user: str = ""
    thread_ts: str | None = None
    metadata: dict[str, Any] | None = None
    earlier: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Channel:
    """A channel; set `archived` or `member` to see how a sender takes it."""

    id: str
    name: str
    member: bool = True
    private: bool = False
    archived: bool = False
    messages: list[Message] = field(default_factory=list)

    @property
    def heads(self) -> list[Message]:
        """Messages that are no replies, oldest first."""
        return [message for message in self.messages if message.thread_ts in (None, message.ts)]

    def replies(self, ts: str) -> list[Message]:
        """Return the replies below a head, oldest first."""
        return [m for m in self.messages if m.thread_ts == ts and m.ts != ts]

    def find(self, ts: str) -> Message | None:
        """Return a message by its timestamp."""
        return next((message for message in self.messages if message.ts == ts), None)

    def described(self) -> dict[str, Any]:
        """Return the channel as the Web API describes it."""
        return {
            "id": self.id,
            "name": self.name,
            "is_channel": not self.private,
            "is_private": self.private,
            "is_archived": self.archived,
            "is_member": self.member,
        }

    def shown(self, message: Message, *, metadata: bool = False) -> dict[str, Any]:
        """Return a message as the Web API shows it, a head with the counts of its thread."""
        shown: dict[str, Any] = {
            "type": "message",
            "ts": message.ts,
            "text": message.text,
            "blocks": message.blocks,
            "user": message.user,
        }
        if not message.user:
            shown["subtype"] = "bot_message"
        if message.thread_ts is not None:
            shown["thread_ts"] = message.thread_ts
        replies = self.replies(message.ts)
        if replies:
            shown["thread_ts"] = message.ts
            shown["reply_count"] = len(replies)
            shown["latest_reply"] = replies[-1].ts
        if message.earlier:
            shown["edited"] = {"user": message.user, "ts": message.ts}
        if metadata and message.metadata is not None:
            shown["metadata"] = message.metadata
        return shown
