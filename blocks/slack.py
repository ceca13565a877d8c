"""Slack, on prefect-slack's credentials: a channel that a bot speaks in, and a webhook into one.

A bot's channel posts, edits, answers in threads, and finds what it posted by the key that it was
posted under, so that a message whose answer was lost need not be sent twice. A webhook only posts.
Both are notification blocks. Errors are those of `blocks.errors`; nothing is retried, except by
`notify`.

The bot's scopes: chat:write, and channels:read with channels:history (groups:… for private
channels) for `find`, of which channels:read is not needed where the block names the channel by its
id. In a channel that it is no member of it cannot post.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prefect.blocks.abstract import NotificationBlock
from prefect.utilities.asyncutils import sync_compatible
from prefect_slack import SlackCredentials, SlackWebhook  # type: ignore[import-untyped]
from pydantic.v1 import Field
from slack_sdk import WebClient
from slack_sdk.webhook import WebhookClient

from blocks.notifying import deliver
from blocks.slack_answers import checked, refusal, webhook_checked
from blocks.wording import one_line, slack_blocks, slack_escaped

MAX_FALLBACK = 3000
"""Characters of the text shown where blocks are not: push messages, screen readers."""
EVENT = "dataweave_notice"
PAGE = 200
"""Messages or channels asked for at a time: what Slack recommends at most."""


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a message is: the channel's id and the message's timestamp, which is its identity."""

    channel: str
    ts: str


class SlackChannel(NotificationBlock):
    """A Slack channel in which a bot speaks.

    Args:
        credentials: the bot's token.
        channel: name or id of the channel.
        base_url: of the Web API; another one for a stand-in.
        timeout: seconds to wait for Slack.
    """

    _block_type_name = "Slack Channel"
    _block_type_slug = "slack-channel"
    # Events cost a request each, and each of these calls is on record where it was asked for.
    _events_excluded_methods = [  # noqa: RUF012 - as Prefect declares it
        *NotificationBlock._events_excluded_methods,
        "post",
        "update",
        "find",
        "permalink",
        "check",
    ]

    credentials: SlackCredentials
    channel: str = Field(default=..., description="Name or id of the channel.")
    base_url: str = Field(default="https://slack.com/api/", description="The Web API.")
    timeout: int = Field(default=15, description="Seconds to wait for Slack.")

    def post(
        self,
        text: str,
        blocks: Sequence[dict[str, Any]] = (),
        *,
        thread: Posted | None = None,
        key: str = "",
    ) -> Posted:
        """Post a message, or an answer in a thread.

        Args:
            text: Slack's own markup (escape what is data); shown where blocks are not.
            blocks: Block Kit.
            thread: the head of the thread to answer in.
            key: under which `find` finds it again.

        Raises:
            DeliveryError: it did not go through; see `blocks.errors` for what that means.
        """
        metadata = {"event_type": EVENT, "event_payload": {"key": key}} if key else None
        answer = self._call(
            lambda client: client.chat_postMessage(
                channel=thread.channel if thread else self.channel,
                text=text,
                blocks=list(blocks) or None,
                thread_ts=thread.ts if thread else None,
                metadata=metadata,
                unfurl_links=False,
                unfurl_media=False,
            )
        )
        return Posted(answer["channel"], answer["ts"])

    def update(self, message: Posted, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """Replace what a message says; the same replacement twice does no harm.

        Raises:
            Rejected: with code ``message_not_found`` where somebody deleted it.
            DeliveryError: it did not go through.
        """
        self._call(
            lambda client: client.chat_update(
                channel=message.channel, ts=message.ts, text=text, blocks=list(blocks)
            )
        )

    def find(self, key: str, *, since: float, thread: Posted | None = None) -> Posted | None:
        """Return what was posted under a key, in the channel or in a thread of it.

        Args:
            key: as given to `post`.
            since: seconds since the epoch from which on to look.
            thread: look among its answers instead.
        """
        channel = thread.channel if thread else self._identity()
        cursor: str | None = None
        while True:
            answer = self._page(channel, since, thread, cursor)
            for message in answer["messages"]:
                held = message.get("metadata", {}).get("event_payload", {})
                if held.get("key") == key:
                    return Posted(channel, message["ts"])
            cursor = answer.get("response_metadata", {}).get("next_cursor")
            if not cursor:
                return None

    def permalink(self, message: Posted) -> str:
        """Return the address of a message for people."""
        answer = self._call(
            lambda client: client.chat_getPermalink(channel=message.channel, message_ts=message.ts)
        )
        return str(answer["permalink"])

    def check(self) -> str:
        """Return the id of the channel; raises where the token or the channel does not do."""
        self._call(lambda client: client.auth_test())
        return self._identity()

    @sync_compatible
    async def notify(self, body: str, subject: str | None = None) -> None:
        """Post plain text: the subject as the heading, lines ``Label: https://…`` as links."""
        text = slack_escaped(one_line(f"{subject or ''} {body}", MAX_FALLBACK))
        shown = slack_blocks(subject or "", body)
        await deliver(lambda: self.post(text, shown), as_notification=self._raise_on_failure)

    def _page(
        self, channel: str, since: float, thread: Posted | None, cursor: str | None
    ) -> dict[str, Any]:
        bounds: dict[str, Any] = {
            "oldest": f"{since:.6f}",
            "limit": PAGE,
            "cursor": cursor,
            "include_all_metadata": True,
        }
        if thread is None:
            return self._call(lambda c: c.conversations_history(channel=channel, **bounds))
        return self._call(
            lambda c: c.conversations_replies(channel=channel, ts=thread.ts, **bounds)
        )

    def _identity(self) -> str:
        name = self.channel.removeprefix("#")
        if name[:1] in ("C", "G") and name.isalnum() and name.isupper():
            return name
        asked: dict[str, Any] = {
            "limit": PAGE,
            "exclude_archived": True,
            "types": "public_channel,private_channel",
        }
        while True:
            answer = self._call(lambda client: client.conversations_list(**asked))
            for channel in answer["channels"]:
                if channel["name"] == name:
                    return str(channel["id"])
            asked["cursor"] = answer.get("response_metadata", {}).get("next_cursor")
            if not asked["cursor"]:
                raise refusal(self.channel, "channel_not_found", {})

    def _call(self, call: Callable[[WebClient], Any]) -> dict[str, Any]:
        client = WebClient(
            token=self.credentials.token.get_secret_value(),
            base_url=self.base_url,
            timeout=self.timeout,
            retry_handlers=[],
        )
        return checked(self.channel, lambda: call(client))


class SlackWebhookChannel(SlackWebhook):  # type: ignore[misc]
    """An incoming webhook into a Slack channel: it posts, and can neither edit nor thread.

    Args:
        url: the webhook, which is a secret: whoever has it can post.
        timeout: seconds to wait for Slack.
    """

    _block_type_name = "Slack Webhook Channel"
    _block_type_slug = "slack-webhook-channel"
    _events_excluded_methods = [  # noqa: RUF012 - as Prefect declares it
        *SlackWebhook._events_excluded_methods,
        "post",
    ]

    timeout: int = Field(default=15, description="Seconds to wait for Slack.")

    def post(self, text: str, blocks: Sequence[dict[str, Any]] = ()) -> None:
        """Post a message.

        Raises:
            DeliveryError: it did not go through.
        """
        client = WebhookClient(self.url.get_secret_value(), self.timeout, retry_handlers=[])
        webhook_checked(lambda: client.send(text=text, blocks=list(blocks) or None))

    @sync_compatible
    async def notify(self, body: str, subject: str | None = None) -> None:
        """Post plain text: the subject as the heading, lines ``Label: https://…`` as links."""
        text = slack_escaped(one_line(f"{subject or ''} {body}", MAX_FALLBACK))
        shown = slack_blocks(subject or "", body)
        await deliver(lambda: self.post(text, shown), as_notification=self._raise_on_failure)
