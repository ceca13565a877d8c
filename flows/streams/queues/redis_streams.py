"""A Redis stream with one consumer group: entries are claimed, acknowledged and deleted.

A consumer's entries stay pending until they are acknowledged; those of a consumer that is gone are
taken over by ``XAUTOCLAIM`` once they were idle for the visibility. An entry that is done is
deleted, so that the stream's length is the backlog. Dead letters go to ``<stream>:dead`` with the
reason, in one transaction with their acknowledgement.

What Redis keeps is Redis' affair: with ``appendonly yes`` and ``appendfsync everysec`` a power cut
takes up to a second of what was sent. A server that restarted without its group (or its stream) is
given it again, from the beginning: what is there twice is harmless.
"""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import redis
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    RedisError,
    ResponseError,
)

from flows.streams.queues.queue import Depth, Message
from sdk.errors import ConfigurationError, Transient

T = TypeVar("T")
BODY = b"body"
TIMEOUT = 10.0
"""Seconds that an answer may take, beyond what was asked to wait."""


class RedisStream:
    """A stream and its group.

    Args:
        host: of the server.
        port: of the server.
        stream: the key.
        group: the consumer group, made where it is not there.
        visibility: seconds after which what was not finished is taken over.
        database: number of the database.
        password: of the server, if it asks for one.
        username: its ACL user.
        tls: whether it speaks TLS.
    """

    def __init__(
        self,
        host: str,
        port: int,
        stream: str,
        group: str = "dataweave",
        visibility: float = 60.0,
        *,
        database: int = 0,
        password: str | None = None,
        username: str | None = None,
        tls: bool = False,
    ) -> None:
        self.stream, self.group, self.visibility = stream, group, visibility
        self.name = f"redis {host}:{port} {stream}"
        self.consumer = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self.dead_stream = f"{stream}:dead"
        self._claimed_from: Any = b"0-0"
        self._redis: Any = redis.Redis(
            host=host,
            port=port,
            db=database,
            username=username,
            password=password,
            ssl=tls,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            health_check_interval=30,
        )

    def send(self, bodies: Sequence[bytes]) -> None:
        """Add entries, in this order."""
        with self._explained():
            pipe = self._redis.pipeline(transaction=False)
            for body in bodies:
                pipe.xadd(self.stream, {BODY: body})
            pipe.execute()

    def receive(self, most: int, wait: float) -> list[Message]:
        """Return what others left unfinished, then what is new."""
        with self._explained():
            return self._with_group(lambda: self._receive(most, wait))

    def _receive(self, most: int, wait: float) -> list[Message]:
        idle = int(self.visibility * 1000)
        self._claimed_from, left, *_ = self._redis.xautoclaim(
            self.stream, self.group, self.consumer, idle, self._claimed_from, count=most
        )
        if left:
            return self._messages(left, self._deliveries([key for key, _ in left]))
        block = max(1, int(min(wait, TIMEOUT / 2) * 1000))
        found = self._redis.xreadgroup(
            self.group, self.consumer, {self.stream: ">"}, count=most, block=block
        )
        # A mapping in RESP3, a list of pairs in RESP2.
        pairs = found.items() if isinstance(found, dict) else (found or [])
        entries = [entry for _, group in pairs for entry in _flat(group)]
        return self._messages(entries, {})

    def _messages(self, entries: Sequence[Any], deliveries: dict[bytes, int]) -> list[Message]:
        made = []
        for key, fields in entries:
            if fields is None:  # deleted while it was pending
                self._redis.xack(self.stream, self.group, key)
                continue
            sent = datetime.fromtimestamp(int(key.split(b"-")[0]) / 1000, UTC)
            name = key.decode()
            made.append(Message(name, fields.get(BODY, b""), name, deliveries.get(key, 1), sent))
        return made

    def _deliveries(self, keys: Sequence[bytes]) -> dict[bytes, int]:
        pipe = self._redis.pipeline(transaction=False)
        for key in keys:
            pipe.xpending_range(self.stream, self.group, key, key, 1)
        return {
            found["message_id"]: int(found["times_delivered"])
            for answer in pipe.execute()
            for found in answer
        }

    def extend(self, messages: Sequence[Message]) -> None:
        """Make entries young again; their counts of deliveries stay."""
        if messages:
            keys = [message.receipt for message in messages]
            with self._explained():
                self._redis.xclaim(
                    self.stream, self.group, self.consumer, 0, keys, idle=0, justid=True
                )

    def release(self, messages: Sequence[Message]) -> None:
        """Make entries so old that the next look takes them over."""
        if messages:
            keys = [message.receipt for message in messages]
            with self._explained():
                self._redis.xclaim(
                    self.stream, self.group, self.consumer, 0, keys,
                    idle=int(self.visibility * 1000) + 1, justid=True,
                )  # fmt: skip

    def done(self, messages: Sequence[Message]) -> None:
        """Acknowledge and delete entries."""
        if messages:
            keys = [message.receipt for message in messages]
            with self._explained():
                pipe = self._redis.pipeline(transaction=True)
                pipe.xack(self.stream, self.group, *keys)
                pipe.xdel(self.stream, *keys)
                pipe.execute()

    def dead(self, message: Message, reason: str) -> None:
        """Move an entry to the dead letters, in one transaction."""
        with self._explained():
            if not self._redis.xrange(self.stream, message.receipt, message.receipt):
                return
            pipe = self._redis.pipeline(transaction=True)
            fields = {BODY: message.body, b"reason": reason, b"id": message.id}
            pipe.xadd(self.dead_stream, fields)
            pipe.xack(self.stream, self.group, message.receipt)
            pipe.xdel(self.stream, message.receipt)
            pipe.execute()

    def depth(self) -> Depth:
        """Count the entries."""

        def count() -> Depth:
            length = int(self._redis.xlen(self.stream))
            pending = int(self._redis.xpending(self.stream, self.group)["pending"])
            dead = int(self._redis.xlen(self.dead_stream))
            return Depth(max(0, length - pending), pending, dead)

        with self._explained():
            return self._with_group(count)

    def close(self) -> None:
        """Leave the group, unless entries of ours are still unfinished; close connections."""
        try:
            mine = self._redis.xpending_range(self.stream, self.group, "-", "+", 1, self.consumer)
            if not mine:
                self._redis.xgroup_delconsumer(self.stream, self.group, self.consumer)
        except RedisError:
            pass
        self._redis.close()

    def _with_group(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
        try:
            self._redis.xgroup_create(self.stream, self.group, id="0", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):  # somebody else made it just now
                raise
        return ask()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (AuthenticationError, NoPermissionError) as error:
            raise ConfigurationError(
                f"{self.name}: the server refuses the sign-in ({type(error).__name__})",
                "Give DATAWEAVE_QUEUE_PASSWORD, and a user that may use the stream.",
            ) from None  # the server's words may repeat what it was sent
        except ResponseError as error:
            word = str(error).split(maxsplit=1)[0] if str(error) else ""
            if word in {
                "LOADING",
                "READONLY",
                "MASTERDOWN",
                "CLUSTERDOWN",
                "BUSY",
                "OOM",
                "MISCONF",
            }:
                raise Transient(f"{self.name}: {error}", "See the server's own log.") from error
            raise ConfigurationError(
                f"{self.name}: {error}",
                "See that the key is a stream, and the server 6.2 or newer.",
            ) from error
        except RedisError as error:
            raise Transient(
                f"{self.name} does not answer ({type(error).__name__})",
                "See that the server runs and can be reached.",
            ) from error


def _flat(group: Any) -> list[Any]:
    """Return entries as pairs; RESP3 wraps them in one more list."""
    if group and isinstance(group[0], list) and group[0] and isinstance(group[0][0], tuple | list):
        return [entry for inner in group for entry in inner]
    return list(group)
