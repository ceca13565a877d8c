"""The Slack stand-in, through the real slack_sdk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from sdk.testing.receivers import Faults, SlackReceiver


@pytest.fixture
def slack() -> Iterator[SlackReceiver]:
    with SlackReceiver(["alerts", "digest"]) as receiver:
        yield receiver


def client(slack: SlackReceiver, token: str | None = None) -> WebClient:
    return WebClient(token=token or slack.token, base_url=slack.api_url, retry_handlers=[])


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        call()
    return str(caught.value.response["error"])


def test_a_message_its_edit_and_its_thread(slack: SlackReceiver) -> None:
    web = client(slack)
    assert web.auth_test()["user_id"]
    head = web.chat_postMessage(channel="#alerts", text="1 fault", blocks=[section("one")])
    channel, ts = head["channel"], head["ts"]
    for text in ("first", "second"):
        web.chat_postMessage(channel=channel, text=text, thread_ts=ts)
    web.chat_update(channel=channel, ts=ts, text="2 faults", blocks=[section("two")])

    kept = slack.channel("alerts")
    assert [message.text for message in kept.heads] == ["2 faults"]
    assert kept.heads[0].earlier == ["1 fault"]
    assert [message.text for message in kept.replies(ts)] == ["first", "second"]

    history = web.conversations_history(channel=channel)["messages"]
    assert [(m["text"], m["reply_count"]) for m in history] == [("2 faults", 2)]
    thread = web.conversations_replies(channel=channel, ts=ts)["messages"]
    assert [m["text"] for m in thread] == ["2 faults", "first", "second"]
    assert len({m["ts"] for m in thread}) == 3


def test_timestamps_never_repeat_and_rise_in_the_order_of_arrival() -> None:
    with SlackReceiver(clock=lambda: 1_700_000_000.5) as slack:
        web = client(slack)
        with ThreadPoolExecutor(8) as pool:
            said = list(
                pool.map(lambda n: web.chat_postMessage(channel="alerts", text=str(n)), range(40))
            )
        stamps = [message.ts for message in slack.channel("alerts").messages]
    assert len(set(stamps)) == 40
    assert stamps == sorted(stamps, key=float)
    assert {answer["ts"] for answer in said} == set(stamps)


def test_metadata_finds_a_message_again(slack: SlackReceiver) -> None:
    web = client(slack)
    metadata = {"event_type": "notice", "event_payload": {"key": "k1"}}
    posted = web.chat_postMessage(channel="alerts", text="x", metadata=metadata)
    found = web.conversations_history(channel=posted["channel"], include_all_metadata=True)
    assert found["messages"][0]["metadata"] == metadata
    assert "metadata" not in web.conversations_history(channel=posted["channel"])["messages"][0]


def test_history_pages_and_bounds(slack: SlackReceiver) -> None:
    web = client(slack)
    posted = [web.chat_postMessage(channel="alerts", text=str(n)) for n in range(5)]
    channel = posted[0]["channel"]
    pages = [
        [m["text"] for m in page["messages"]]
        for page in web.conversations_history(channel=channel, limit=2)
    ]
    assert pages == [
        ["4", "3"],
        ["2", "1"],
        ["0"],
    ]
    after = web.conversations_history(channel=channel, oldest=posted[2]["ts"])["messages"]
    assert [m["text"] for m in after] == ["4", "3"]


def test_errors_of_who_asks_and_where(slack: SlackReceiver) -> None:
    web = client(slack)
    slack.add_channel("foreign", member=False)
    slack.add_channel("secret", member=False, private=True)
    posted = web.chat_postMessage(channel="alerts", text="x")
    assert error_of(lambda: client(slack, "xoxb-wrong").auth_test()) == "invalid_auth"
    assert error_of(lambda: WebClient(base_url=slack.api_url).auth_test()) == "not_authed"
    assert error_of(lambda: web.api_call("chat.invented")) == "unknown_method"
    for channel, code in (
        ("nowhere", "channel_not_found"),
        ("foreign", "not_in_channel"),
        ("secret", "channel_not_found"),
    ):
        assert error_of(lambda c=channel: web.chat_postMessage(channel=c, text="x")) == code
    assert error_of(lambda: web.chat_postMessage(channel="alerts", text="")) == "no_text"
    assert error_of(lambda: web.chat_postMessage(channel="alerts", text="x" * 40_001)) == (
        "msg_too_long"
    )
    assert (
        error_of(lambda: web.chat_postMessage(channel="alerts", text="x", thread_ts="1.000001"))
        == "thread_not_found"
    )
    # A name is enough to post; an edit needs the id.
    assert error_of(lambda: web.chat_update(channel="alerts", ts=posted["ts"], text="y")) == (
        "channel_not_found"
    )
    assert error_of(lambda: web.chat_update(channel=posted["channel"], ts="9.9", text="y")) == (
        "message_not_found"
    )
    slack.channel("alerts").archived = True
    assert error_of(lambda: web.chat_postMessage(channel="alerts", text="x")) == "is_archived"


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text"),
        ([{"type": "divider"}] * 51, "no more than 50 items allowed"),
        (
            [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
            "must be less than 151 characters",
        ),
        (
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            "must be a plain_text object",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
            "no more than 10 items allowed",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2001}]}],
            "must be less than 2001 characters",
        ),
        ([section("")], "must be more than 0 characters"),
        ([{"type": "section"}], "missing required field"),
        ([{"type": "invented"}], "unsupported type"),
        ([{"type": "context", "elements": []}], "no fewer than 1 items allowed"),
        ([{"type": "divider", "block_id": "a"}] * 2, "already exists"),
    ],
)
def test_blocks_beyond_the_limits_are_refused(
    slack: SlackReceiver, blocks: list[dict[str, Any]], words: str
) -> None:
    with pytest.raises(SlackApiError) as caught:
        client(slack).chat_postMessage(channel="alerts", text="x", blocks=blocks)
    answer = caught.value.response
    assert answer["error"] == "invalid_blocks"
    assert words in answer["errors"][0]
    assert answer["response_metadata"]["messages"][0].startswith("[ERROR] ")
    assert slack.channel("alerts").messages == []


def test_blocks_at_the_limits_are_taken(slack: SlackReceiver) -> None:
    text = {"type": "plain_text", "text": "x" * 150}
    blocks = [{"type": "header", "text": text}, section("x" * 3000)]
    fields = [{"type": "mrkdwn", "text": "x" * 2000}] * 10
    blocks += [{"type": "section", "fields": fields}, *[{"type": "divider"}] * 47]
    client(slack).chat_postMessage(channel="alerts", text="x", blocks=blocks)
    assert len(slack.channel("alerts").messages[0].blocks) == 50


def test_webhooks_answer_in_plain_text(slack: SlackReceiver) -> None:
    url = slack.webhook("digest")
    hook = WebhookClient(url, retry_handlers=[])
    answer = hook.send(text="hello", blocks=[section("hello")])
    assert (answer.status_code, answer.body) == (200, "ok")
    assert [m.text for m in slack.channel("digest").messages] == ["hello"]

    refused = [
        (hook.send_dict({}), 400, "invalid_payload"),
        (hook.send(text=""), 400, "no_text"),
        (hook.send_dict({"unfurl_links": False}), 400, "no_text"),
        (hook.send(text="x", blocks=[section("")]), 400, "invalid_blocks"),
        (WebhookClient(url + "x", retry_handlers=[]).send(text="x"), 404, "no_service"),
    ]
    slack.channel("digest").archived = True
    refused.append((hook.send(text="x"), 410, "channel_is_archived"))
    assert [(a.status_code, a.body) for a, _, _ in refused] == [(s, w) for _, s, w in refused]
    assert len(slack.channel("digest").messages) == 1


def test_a_limited_call_says_how_long_to_wait(slack: SlackReceiver) -> None:
    slack.faults = Faults(script=("limited", "limited"), retry_after=7)
    with pytest.raises(SlackApiError) as caught:
        client(slack).chat_postMessage(channel="alerts", text="x")
    response = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "7"
    hook = WebhookClient(slack.webhook("alerts"), retry_handlers=[]).send(text="x")
    assert (hook.status_code, hook.headers["Retry-After"]) == (429, "7")
    assert slack.channel("alerts").messages == []
