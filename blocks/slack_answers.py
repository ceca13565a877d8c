"""What Slack answered, read into a result or one of `blocks.errors`.

Slack says what is wrong in a word; here the word becomes a kind of error and an advice.
Source of the words: the errors on the methods' pages of docs.slack.dev.
"""

from __future__ import annotations

import http.client
import urllib.error
from collections.abc import Callable
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.webhook import WebhookResponse

from blocks.errors import DeliveryError, RateLimited, Rejected, Unavailable, seconds

LIMITED = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded"})
PASSING = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "rollup_error"}
    | {"team_added_to_org", "external_channel_migrating"}
)
"""Errors of the moment: Slack's own pages say to try again."""

ADVICE = {
    "not_authed": "Give the credentials block a bot token (xoxb-…).",
    "invalid_auth": "Give the credentials block the bot's current token and register it again.",
    "token_revoked": "Install the app again and register its new token.",
    "token_expired": "Install the app again and register its new token.",
    "account_inactive": "Install the app again and register its new token.",
    "missing_scope": "Add the scope to the app and install it again.",
    "channel_not_found": "Correct the channel's name; invite the bot if the channel is private.",
    "not_in_channel": "Invite the bot to the channel.",
    "is_archived": "Name another channel, or unarchive this one.",
    "channel_is_archived": "Make a webhook into another channel, or unarchive this one.",
    "no_service": "The webhook was removed: make a new one and register it.",
    "no_active_hooks": "The webhook was removed: make a new one and register it.",
    "invalid_token": "The webhook was removed: make a new one and register it.",
    "invalid_blocks": "Mend the blocks: the limits of Block Kit are exceeded.",
    "msg_too_long": "Shorten the text.",
    "no_text": "Give a text or blocks.",
    "message_not_found": "The message was deleted: post a new one.",
    "thread_not_found": "The head of the thread was deleted: post a new one.",
}


def checked(channel: str, call: Callable[[], Any]) -> dict[str, Any]:
    """Return the Web API's answer to a call, or raise what it means.

    Args:
        channel: whom the call concerns, for the error's words.
        call: makes the call.

    Raises:
        DeliveryError: what went wrong, in its kind.
    """
    try:
        answer = call()
    except SlackApiError as error:
        response = error.response
        status, headers = response.status_code, response.headers
        data = response.data if isinstance(response.data, dict) else {}
        if status == 200:
            raise refusal(channel, str(data.get("error", "")), data) from error
        raise _failed(channel, status, headers.get("Retry-After")) from error
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(error) from error
    except (ValueError, SlackClientError) as error:
        raise Unavailable(f"Slack gave an unreadable answer: {error}") from error
    return dict(answer.data)


def webhook_checked(call: Callable[[], WebhookResponse]) -> None:
    """Make a webhook call; raise what its answer means where it is not ``ok``.

    Raises:
        DeliveryError: what went wrong, in its kind.
    """
    try:
        answer = call()
    except (OSError, http.client.HTTPException) as error:
        raise _unreachable(error) from error
    if answer.status_code == 200:
        return
    word = answer.body.strip()
    if answer.status_code == 429 or (answer.status_code >= 500 and word not in ADVICE):
        raise _failed("the webhook", answer.status_code, answer.headers.get("Retry-After"))
    raise refusal("the webhook", word if word.isascii() and len(word) < 80 else "refused", {})


def refusal(channel: str, word: str, data: dict[str, Any]) -> DeliveryError:
    """Return the error that a word of Slack's means, `data` holding what else was told."""
    problem = f"Slack refused a call for {channel}: {word}"
    if word in LIMITED:
        return RateLimited(problem, code=word)
    if word in PASSING:
        return Unavailable(problem, code=word)
    told = [str(text) for text in data.get("errors") or []][:3]
    scope = [f"needed: {data['needed']}"] if "needed" in data else []
    detail = f" ({'; '.join(told + scope)})" if told or scope else ""
    advice = ADVICE.get(word, "Look the word up on the method's page of docs.slack.dev.")
    return Rejected(problem + detail, advice, code=word)


def _failed(channel: str, status: int, retry_after: str | None) -> DeliveryError:
    wait = seconds(retry_after)
    if status == 429:
        problem = f"Slack limits the calls for {channel}"
        return RateLimited(problem, code="ratelimited", retry_after=wait)
    if status >= 500 or status == 408:
        problem = f"Slack answered {status} to a call for {channel}"
        return Unavailable(problem, code=str(status), retry_after=wait)
    problem = f"Slack answered {status} to a call for {channel}"
    return Rejected(problem, "Check the base URL of the block.", code=str(status))


def _unreachable(error: BaseException) -> Unavailable:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    # Refused or not even resolved: nothing was sent. Anything else may have arrived.
    unsent = isinstance(reason, ConnectionRefusedError) or type(reason).__name__ == "gaierror"
    return Unavailable(f"Slack cannot be reached: {reason!r}", uncertain=not unsent)
