"""A stand-in for Slack: incoming webhooks and the part of the Web API that notices use.

Behaves as the original where a sender can tell: errors arrive as ``ok: false`` with HTTP 200, a
429 carries Retry-After, a webhook answers in plain text, a name is enough to post and an id is
needed for everything else, timestamps are unique and rise, replies stay out of the history and
are counted at the head of their thread.

Methods: api.test, auth.test, chat.postMessage, chat.update, chat.delete, chat.getPermalink,
conversations.list, info, join, history and replies. Everything else is ``unknown_method``.

Source of errors and limits: the methods' pages on docs.slack.dev.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from sdk.testing.receivers.faults import Faults
from sdk.testing.receivers.messages import Channel
from sdk.testing.receivers.server import Answer, Receiver, Request
from sdk.testing.receivers.workspace import BOT, TEAM, SlackError, Workspace, decoded

WEBHOOK_STATUS = {
    "channel_not_found": 404,
    "no_service": 404,
    "is_archived": 410,
    "invalid_token": 403,
    "action_prohibited": 403,
}
"""HTTP status of a webhook's errors; the rest are 400."""


class SlackReceiver(Receiver):
    """Slack on loopback.

    Args:
        channels: names of the channels; more with `add_channel`.
        token: the bot token that is accepted.
        faults: misbehaviour.
        clock: seconds since the epoch; timestamps follow it and never repeat.
    """

    def __init__(
        self,
        channels: Iterable[str] = ("alerts",),
        *,
        token: str = "xoxb-receiver",  # noqa: S107 - opens nothing but this stand-in
        faults: Faults | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(faults=faults, clock=clock)
        self.token = token
        self.workspace = Workspace(clock)
        self._webhooks: dict[str, str] = {}
        for name in channels:
            self.add_channel(name)

    @property
    def api_url(self) -> str:
        """Base URL of the Web API, as `slack_sdk.WebClient` takes it."""
        return f"{self.url}/api/"

    def add_channel(self, name: str, *, member: bool = True, private: bool = False) -> Channel:
        """Make a channel; the bot cannot post where it is no member."""
        with self._lock:
            channel = Channel(f"C{len(self.workspace.channels) + 1:010d}", name, member, private)
            self.workspace.channels[channel.id] = channel
            return channel

    def channel(self, name: str) -> Channel:
        """Return a channel by its name or id."""
        found = self.workspace.find(name)
        if found is None:
            raise LookupError(f"no channel {name!r}; there are {sorted(self.workspace.channels)}")
        return found

    def webhook(self, channel: str) -> str:
        """Return the URL of a new incoming webhook into a channel."""
        with self._lock:
            path = f"/services/{TEAM}/{BOT}/{len(self._webhooks) + 1:024d}"
            self._webhooks[path] = self.channel(channel).id
            return f"{self.url}{path}"

    def answer(self, request: Request) -> Answer:
        """Answer a webhook or a Web API call."""
        if request.path.startswith("/services/"):
            return self._webhook(request)
        if not request.path.startswith("/api/"):
            return Answer(404, "not found")
        try:
            return Answer(body={"ok": True, **self._call(request)})
        except SlackError as error:
            return Answer(body={"ok": False, "error": error.code, **error.more})

    def limited(self, request: Request, retry_after: int) -> Answer:
        """Return 429: JSON from the Web API, plain text from a webhook."""
        headers = {"Retry-After": str(retry_after)}
        if request.path.startswith("/services/"):
            return Answer(429, "rate_limited", headers)
        return Answer(429, {"ok": False, "error": "ratelimited"}, headers)

    def broken(self, request: Request, status: int) -> Answer:
        """Return a 5xx as Slack's edge does: a page, not JSON."""
        return Answer(status, "<html><body>upstream error</body></html>")

    def _webhook(self, request: Request) -> Answer:
        identity = self._webhooks.get(request.path)
        try:
            if identity is None:
                raise SlackError("no_service")
            given = _arguments(request)
            payload = decoded(given["payload"]) if "payload" in given else given
            if not isinstance(payload, dict) or not payload:
                raise SlackError("invalid_payload")
            self.workspace.post(self.workspace.channels[identity], payload, user="")
        except SlackError as error:
            words = "channel_is_archived" if error.code == "is_archived" else error.code
            return Answer(WEBHOOK_STATUS.get(error.code, 400), words)
        return Answer(200, "ok")

    def _call(self, request: Request) -> dict[str, Any]:
        method, given = request.path.removeprefix("/api/"), _arguments(request)
        if method == "api.test":
            return {"args": given}
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        token = token or str(given.get("token", ""))
        if not token:
            raise SlackError("not_authed")
        if token != self.token:
            raise SlackError("invalid_auth")
        return self.workspace.call(method, given)


def _arguments(request: Request) -> dict[str, Any]:
    """Read the arguments of a call: the query, and a body of JSON or of a form."""
    found: dict[str, Any] = {name: values[-1] for name, values in request.query.items()}
    if "json" in request.headers.get("content-type", ""):
        body = request.json()
        return {**found, **body} if isinstance(body, dict) else found
    return {**found, **dict(parse_qsl(request.body.decode("utf-8", "replace")))}
