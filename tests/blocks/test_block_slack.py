"""The Slack blocks against the stand-in: what they do, and which errors they raise."""

from __future__ import annotations

import asyncio
import pickle
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from prefect.blocks.abstract import NotificationError
from prefect_slack import SlackCredentials

from blocks import DeliveryError, RateLimited, Rejected, SlackChannel, SlackWebhookChannel
from blocks.errors import Unavailable
from sdk.testing.receivers import Faults, SlackReceiver
from sdk.testing.receivers.faults import Fault


@pytest.fixture
def slack() -> Iterator[SlackReceiver]:
    with SlackReceiver(["alerts"]) as receiver:
        yield receiver


def channel(slack: SlackReceiver, name: str = "alerts", **more: Any) -> SlackChannel:
    token = more.pop("token", slack.token)
    return SlackChannel(
        credentials=SlackCredentials(token=token), channel=name, base_url=slack.api_url, **more
    )


def test_a_thread_with_an_edited_head(slack: SlackReceiver) -> None:
    block = channel(slack)
    head = block.post("1 fault", [{"type": "divider"}], key="k-1")
    block.post("more", thread=head, key="k-2")
    block.update(head, "2 faults")
    kept = slack.channel("alerts")
    assert [(m.text, m.earlier) for m in kept.heads] == [("2 faults", ["1 fault"])]
    assert [m.text for m in kept.replies(head.ts)] == ["more"]
    assert head.ts.replace(".", "") in block.permalink(head)
    assert block.check() == head.channel


def test_what_was_posted_is_found_by_its_key_on_any_page(slack: SlackReceiver) -> None:
    block = channel(slack)
    since = time.time() - 5
    posted = {f"k-{n}": block.post(str(n), key=f"k-{n}") for n in range(3)}
    answer = block.post("answer", thread=posted["k-1"], key="a")
    for _ in range(250):
        slack.workspace.post(kept := slack.channel("alerts"), {"text": "noise"}, user="")
    assert {key: block.find(key, since=since) for key in posted} == posted
    assert block.find("a", since=since) is None
    assert block.find("a", since=since, thread=posted["k-1"]) == answer
    assert block.find("k-0", since=float(posted["k-0"].ts) + 0.000_001) is None
    assert len(kept.messages) == 254


def test_an_answer_lost_on_the_way_is_uncertain_and_found_again(slack: SlackReceiver) -> None:
    slack.faults = Faults(script=("lost",))
    block, since = channel(slack), time.time() - 5
    with pytest.raises(Unavailable) as caught:
        block.post("x", key="k")
    assert caught.value.uncertain
    found = block.find("k", since=since)
    assert found is not None
    assert [m.ts for m in slack.channel("alerts").messages] == [found.ts]


@pytest.mark.parametrize(
    ("fault", "kind", "uncertain"),
    [
        ("limited", RateLimited, None),
        ("error", Unavailable, True),
        ("dropped", Unavailable, True),
        ("slow", Unavailable, True),
    ],
)
@pytest.mark.parametrize("by", ["bot", "webhook"])
def test_passing_faults(
    slack: SlackReceiver, fault: Fault, kind: type[DeliveryError], uncertain: bool | None, by: str
) -> None:
    slack.faults = Faults(script=(fault,), retry_after=11, slow_seconds=1.5)
    block: Any = channel(slack, timeout=1)
    if by == "webhook":
        block = SlackWebhookChannel(url=slack.webhook("alerts"), timeout=1)
    with pytest.raises(kind) as caught:
        block.post("x")
    assert caught.value.retryable
    assert getattr(caught.value, "uncertain", None) is uncertain
    if fault == "limited":
        assert caught.value.retry_after == 11
    block.post("x")


def test_nobody_there_is_certain(slack: SlackReceiver) -> None:
    with slack.down():
        for block in (channel(slack), SlackWebhookChannel(url=slack.url + "/services/x")):
            with pytest.raises(Unavailable) as caught:
                block.post("x")
            assert not caught.value.uncertain


def test_refusals_name_the_word_and_an_advice(slack: SlackReceiver) -> None:
    slack.add_channel("foreign", member=False)
    too_long = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    gone = channel(slack).post("x")
    slack.workspace.channels[gone.channel].messages.clear()
    refused = {
        "invalid_auth": lambda: channel(slack, token="xoxb-old").post("x"),
        "channel_not_found": lambda: channel(slack, "nowhere").post("x"),
        "not_in_channel": lambda: channel(slack, "foreign").post("x"),
        "invalid_blocks": lambda: channel(slack).post("x", too_long),
        "no_text": lambda: channel(slack).post(""),
        "message_not_found": lambda: channel(slack).update(gone, "y"),
        "no_service": lambda: SlackWebhookChannel(url=slack.url + "/services/T/B/x").post("x"),
    }
    for word, call in refused.items():
        with pytest.raises(Rejected) as caught:
            call()
        assert caught.value.code == word
        assert not caught.value.retryable
        assert caught.value.action
    with pytest.raises(Rejected, match="3001 characters"):
        channel(slack).post("x", too_long)
    with pytest.raises(Rejected) as caught:
        channel(slack, "nowhere").check()
    assert caught.value.code == "channel_not_found"


def test_another_program_at_the_address_is_no_success() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        block = SlackChannel(
            credentials=SlackCredentials(token="x"), channel="alerts",
            base_url=f"http://127.0.0.1:{port}/api/", timeout=1,
        )  # fmt: skip
        with pytest.raises(Unavailable):
            block.post("x")


def test_secrets_do_not_show(slack: SlackReceiver) -> None:
    hook = slack.webhook("alerts")
    shown = repr(channel(slack)) + repr(SlackWebhookChannel(url=hook))
    assert slack.token not in shown
    assert hook not in shown
    slack.faults = Faults(script=("limited", "error", "dropped"))
    for _ in range(3):
        with pytest.raises(DeliveryError) as caught:
            SlackWebhookChannel(url=hook).post("x")
        assert hook not in str(caught.value)


@pytest.mark.parametrize("by", ["bot", "webhook"])
def test_notify_shows_data_as_it_is(slack: SlackReceiver, by: str) -> None:
    block: Any = channel(slack)
    if by == "webhook":
        block = SlackWebhookChannel(url=slack.webhook("alerts"))
    body = "<!channel> *7 & 8* <http://evil|here>\nRun: http://prefect/run/1\nSays: not a link"
    block.notify(body, subject="metro <crashed>")
    (message,) = slack.channel("alerts").messages
    header, section, context = message.blocks
    assert header["text"] == {"type": "plain_text", "text": "metro <crashed>", "emoji": False}
    assert section["text"]["type"] == "plain_text"
    assert section["text"]["text"] == ("<!channel> *7 & 8* <http://evil|here>\nSays: not a link")
    assert [e["text"] for e in context["elements"]] == ["<http://prefect/run/1|Run>"]
    assert "<" not in message.text


def test_notify_waits_and_tries_again(slack: SlackReceiver) -> None:
    slack.faults = Faults(script=("limited", "none"), retry_after=0)
    channel(slack).notify("body", subject="subject")
    assert len(slack.channel("alerts").messages) == 1
    assert [e.status for e in slack.exchanges] == [429, 200]


def test_notify_gives_prefect_the_reason(slack: SlackReceiver) -> None:
    async def as_the_server_does() -> None:
        block = channel(slack, "nowhere")
        with block.raise_on_failure():
            await block.notify(subject="s", body="b")

    with pytest.raises(NotificationError) as caught:
        asyncio.run(as_the_server_does())
    assert "channel_not_found" in caught.value.log
    assert len(slack.exchanges) == 1
    with pytest.raises(Rejected):
        channel(slack, "nowhere").notify("b")


@pytest.mark.parametrize(
    "error",
    [
        Rejected("p", "a", code="c"),
        RateLimited("p", "a", code="c", retry_after=3.0),
        Unavailable("p", "a", code="c", uncertain=False),
    ],
)
def test_errors_cross_processes(error: DeliveryError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert again.__dict__ == error.__dict__
    assert str(again) == "p\na"
