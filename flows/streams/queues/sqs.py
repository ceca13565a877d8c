"""An SQS queue, and a second one for its dead letters.

What is received is hidden for the visibility and comes again after it. A dead letter is sent to
``<queue>-dead`` (or the one that is named) with its reason as an attribute, and then deleted: a
death between the two leaves it there twice, with one ``id``. The queue's own redrive policy is the
net below, for messages that nobody ever gets to judge.

A standard queue delivers in any order: what is older than what is known of an offer has no effect
(`flows.streams.consumer`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from flows.streams.queues.queue import Depth, Message
from sdk.errors import ConfigurationError, Transient, classify

BATCH = 10
"""Messages in one request: the most that SQS takes."""
LONGEST_REASON = 1000
LONGEST_WAIT = 20
"""Seconds of a long poll: the most that SQS takes."""


class Sqs:
    """A queue of SQS.

    Args:
        queue: its name; the dead letters' is ``<queue>-dead`` unless it is named.
        visibility: seconds for which what was received is hidden.
        dead_queue: name of the dead letters' queue.
        region: by default what the environment says.
        endpoint: of the service, for stand-ins.
    """

    def __init__(
        self,
        queue: str,
        visibility: float = 60.0,
        *,
        dead_queue: str = "",
        region: str | None = None,
        endpoint: str | None = None,
    ) -> None:
        self.queue, self.visibility = queue, visibility
        self.dead_queue = dead_queue or f"{queue}-dead"
        self.name = f"sqs {queue}"
        # Waiting and trying again is the consumer's, which can be asked to stop meanwhile.
        config = Config(
            connect_timeout=5,
            read_timeout=LONGEST_WAIT + 10,
            retries={"max_attempts": 2, "mode": "standard"},
        )
        self._sqs = boto3.client("sqs", region_name=region, endpoint_url=endpoint, config=config)

    @cached_property
    def _url(self) -> str:
        return self._url_of(self.queue)

    @cached_property
    def _dead_url(self) -> str:
        return self._url_of(self.dead_queue)

    def _url_of(self, queue: str) -> str:
        return str(self._sqs.get_queue_url(QueueName=queue)["QueueUrl"])

    def send(self, bodies: Sequence[bytes]) -> None:
        """Send messages; a standard queue keeps no order."""
        with self._explained():
            for start in range(0, len(bodies), BATCH):
                entries: list[Any] = [
                    {"Id": str(place), "MessageBody": body.decode()}
                    for place, body in enumerate(bodies[start : start + BATCH])
                ]
                self._complain(self._sqs.send_message_batch(QueueUrl=self._url, Entries=entries))

    def receive(self, most: int, wait: float) -> list[Message]:
        """Return what is there; several requests where more than ten are wanted."""
        found: list[Message] = []
        # A long poll takes whole seconds.
        polled = min(LONGEST_WAIT, int(wait))
        end = time.monotonic() + wait
        with self._explained():
            while len(found) < most:
                answer = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=min(BATCH, most - len(found)),
                    VisibilityTimeout=max(1, round(self.visibility)),
                    WaitTimeSeconds=0 if found else polled,
                    MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
                )
                got = answer.get("Messages", [])
                found.extend(_message(one) for one in got)
                if got and len(got) == BATCH:
                    continue
                left = end - time.monotonic()
                if found or left <= 0:
                    break
                time.sleep(min(0.05, left))
        return found

    def extend(self, messages: Sequence[Message]) -> None:
        """Hide messages for another visibility from now."""
        self._change(messages, max(1, round(self.visibility)))

    def release(self, messages: Sequence[Message]) -> None:
        """Give messages back at once."""
        self._change(messages, 0)

    def _change(self, messages: Sequence[Message], seconds: int) -> None:
        with self._explained():
            for part in _parts(messages):
                entries: list[Any] = [
                    {"Id": str(place), "ReceiptHandle": one.receipt, "VisibilityTimeout": seconds}
                    for place, one in enumerate(part)
                ]
                # One that is gone, or has come to another meanwhile, is no longer ours to hide.
                self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)

    def done(self, messages: Sequence[Message]) -> None:
        """Delete messages."""
        with self._explained():
            for part in _parts(messages):
                entries: list[Any] = [
                    {"Id": str(place), "ReceiptHandle": one.receipt}
                    for place, one in enumerate(part)
                ]
                # A receipt that ran out leaves its message, which comes again and is known.
                self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def dead(self, message: Message, reason: str) -> None:
        """Send a message to the dead letters, then delete it."""
        said = reason[:LONGEST_REASON] or "no reason given"
        with self._explained():
            self._sqs.send_message(
                QueueUrl=self._dead_url,
                MessageBody=message.body.decode(errors="replace") or " ",
                MessageAttributes={
                    "reason": {"DataType": "String", "StringValue": said},
                    "id": {"DataType": "String", "StringValue": message.id},
                },
            )
        self.done([message])

    def depth(self) -> Depth:
        """Return the service's own estimates."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        with self._explained():
            mine, dead = (
                self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
                for url in (self._url, self._dead_url)
            )
        return Depth(int(mine[names[0]]), int(mine[names[1]]), int(dead[names[0]]))

    def close(self) -> None:
        """Close connections."""
        self._sqs.close()

    def _complain(self, answer: Any) -> None:
        failed = answer.get("Failed") or []
        if failed:
            raise Transient(
                f"{self.name}: {len(failed)} messages were not taken: {failed[0].get('Message')}",
                "Send them again.",
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if classify(error) == "transient" or "Throttl" in code:
                raise Transient(f"{self.name}: {code}", "See the state of the service.") from error
            raise ConfigurationError(
                f"{self.name}: {code or type(error).__name__}",
                f"See that queues {self.queue} and {self.dead_queue} are there and may be used.",
            ) from error
        except BotoCoreError as error:
            if classify(error) == "permanent" or "Credentials" in type(error).__name__:
                raise ConfigurationError(
                    f"{self.name}: {type(error).__name__}", "Give the role or the keys to use."
                ) from error
            raise Transient(
                f"{self.name} does not answer ({type(error).__name__})",
                "See that the service can be reached.",
            ) from error


def _parts(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    for start in range(0, len(messages), BATCH):
        yield messages[start : start + BATCH]


def _message(one: Any) -> Message:
    told = one.get("Attributes", {})
    sent = datetime.fromtimestamp(int(told.get("SentTimestamp", 0)) / 1000, UTC)
    deliveries = int(told.get("ApproximateReceiveCount", 1))
    body = str(one["Body"]).encode()
    return Message(str(one["MessageId"]), body, str(one["ReceiptHandle"]), deliveries, sent)
