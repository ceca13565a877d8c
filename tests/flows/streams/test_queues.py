"""Every queue keeps the same promises, on the real thing."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import redis
from pydantic import SecretStr

from flows.streams.queues import Depth, Message, Queue, open_queue
from flows.streams.queues.spool import INCOMING, WORKING, Spool
from sdk.errors import ConfigurationError, Transient
from sdk.testing.processes import free_port, wait_until
from tests.flows.streams.servers import RedisServer, sqs_address

SHORT, LONG = 1.0, 120.0
"""Visibilities: one that runs out in a test, and one that does not on the slowest machine."""


@pytest.fixture(params=["spool", "redis", "sqs"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis_server")
        return server.address()
    if request.param == "sqs":
        return sqs_address(request.getfixturevalue("aws"))
    return f"spool:{tmp_path / 'spool'}"


@pytest.fixture
def queues(address: str) -> Iterator[list[Queue]]:
    """Two receivers of one queue whose messages stay hidden."""
    opened = [open_queue(address, visibility=LONG) for _ in range(2)]
    yield opened
    for queue in opened:
        queue.close()


def received(queue: Queue, count: int = 1) -> list[Message]:
    """Receive until there are so many; what is there may come in parts."""
    found: list[Message] = []
    wait_until(
        lambda: bool(found.extend(queue.receive(500, 0.1)) or len(found) >= count),
        120,
        f"not {count} messages",
    )
    return found


def settles(queue: Queue, wanted: Depth) -> None:
    wait_until(lambda: queue.depth() == wanted, 120, f"never {wanted}")


def test_each_message_goes_to_one_receiver_until_it_is_done(queues: list[Queue]) -> None:
    one, two = queues
    bodies = [b'{"n": %d}' % number for number in range(25)]
    one.send(bodies)
    found = received(one, 25)
    assert sorted(message.body for message in found) == sorted(bodies)
    assert {message.deliveries for message in found} == {1}
    assert len({message.id for message in found}) == 25
    assert two.receive(500, 0.1) == []
    settles(one, Depth(0, 25, 0))
    one.done(found)
    one.done(found)  # once more is no error
    settles(two, Depth(0, 0, 0))


def test_released_messages_come_again_and_say_how_often(queues: list[Queue]) -> None:
    one, two = queues
    one.send([b'{"n": 1}'])
    first = received(one)[0]
    one.release([first])
    again = received(two)[0]
    assert (again.id, again.body, again.deliveries) == (first.id, first.body, 2)
    two.done([again])
    settles(two, Depth(0, 0, 0))


def test_a_dead_letter_is_out_of_the_way_with_its_reason(queues: list[Queue]) -> None:
    one, two = queues
    one.send([b"{broken"] if not isinstance(one, Spool) else [b"{broken}"])
    message = received(one)[0]
    one.dead(message, "is not JSON")
    settles(two, Depth(0, 0, 1))
    assert two.receive(10, 0.1) == []
    if not hasattr(one, "dead_queue"):  # SQS may hold it twice
        one.dead(message, "is not JSON")
        assert one.depth() == Depth(0, 0, 1)


def test_what_nobody_finishes_comes_again_and_what_is_extended_does_not(address: str) -> None:
    one, two = (open_queue(address, visibility=SHORT) for _ in range(2))
    one.send([b'{"n": 1}'])
    first = received(one)[0]
    patient = open_queue(address, visibility=LONG)
    patient_held = [first]
    if hasattr(patient, "consumer"):
        patient.consumer = one.consumer  # type: ignore[attr-defined]
    patient.extend(patient_held)
    if not isinstance(one, Spool):  # whose receivers judge by their own visibility
        time.sleep(2 * SHORT)
        if not hasattr(one, "consumer"):
            assert two.receive(10, 0.1) == []
    time.sleep(2 * SHORT)
    if hasattr(one, "queue"):
        patient.release(patient_held)
    again = received(two)[0]
    assert (again.id, again.deliveries) == (first.id, 2)
    for queue in (one, two, patient):
        queue.close()


def test_the_reason_is_beside_the_dead_letter(
    redis_server: RedisServer, aws: str, tmp_path: Path
) -> None:
    for address in (redis_server.address(), sqs_address(aws), f"spool:{tmp_path}"):
        queue = open_queue(address, visibility=LONG)
        queue.send([b'{"a": "\xd7\x90"}'])
        message = received(queue)[0]
        queue.dead(message, "field price is missing")
        if address.startswith("redis"):
            with redis.Redis(port=redis_server.port) as client:
                [(_, fields)] = client.xrange(f"{address.rpartition('/')[2]}:dead")
            assert fields[b"reason"] == b"field price is missing"
            assert (fields[b"body"], fields[b"id"]) == (message.body, message.id.encode())
        elif address.startswith("sqs"):
            client = boto3.client("sqs", endpoint_url=aws)
            url = client.get_queue_url(QueueName=f"{address[6:]}-dead")["QueueUrl"]
            [found] = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])[
                "Messages"
            ]
            told = {name: item["StringValue"] for name, item in found["MessageAttributes"].items()}
            assert told == {"reason": "field price is missing", "id": message.id}
            assert found["Body"].encode() == message.body
        else:
            assert (tmp_path / "dead" / f"{message.id}.json").read_bytes() == message.body
            reason = tmp_path / "dead" / f"{message.id}.json.reason"
            assert reason.read_text() == "field price is missing\n"
        queue.close()


# The spool folder's own.


def test_a_file_that_is_being_written_is_left_alone_until_it_is_whole(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LONG)
    file = tmp_path / INCOMING / "by-hand.json"
    file.write_bytes(b'{"seller": "Green')
    (tmp_path / INCOMING / ".hidden.json").write_bytes(b"{}")
    # Ages are told from time stamps: these say that both were written just now.
    os.utime(file)
    assert spool.receive(10, 0) == []
    file.write_bytes(b'{"seller": "Green Basket"}')
    [message] = received(spool)
    assert (message.id, message.body) == ("by-hand", b'{"seller": "Green Basket"}')


@pytest.mark.parametrize("age", [60.0, -3600.0], ids=["long ago", "by a clock that was ahead"])
def test_a_file_that_stays_unfinished_is_taken_as_it_is(tmp_path: Path, age: float) -> None:
    spool = Spool(tmp_path, LONG)
    file = tmp_path / INCOMING / "half.json"
    file.write_bytes(b'{"seller": "Green')
    os.utime(file, (time.time() - age, time.time() - age))
    [message] = spool.receive(10, 0)
    assert message.body == b'{"seller": "Green'


def test_a_time_stamp_from_the_future_hides_no_message(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LONG)
    spool.send([b'{"n": 1}'])
    [message] = spool.receive(10, 0)
    ahead = time.time() + 10 * LONG
    os.utime(tmp_path / WORKING / message.receipt, (ahead, ahead))
    assert [again.deliveries for again in Spool(tmp_path, LONG).receive(10, 0)] == [2]


def test_a_spool_keeps_the_order_in_which_it_was_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LONG)
    bodies = [b'{"n": %d}' % number for number in range(30)]
    spool.send(bodies)
    assert [message.body for message in spool.receive(100, 0)] == bodies


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LONG)
    with (tmp_path / INCOMING / "huge.json").open("wb") as file:
        file.truncate(2_000_000)
    [message] = spool.receive(10, 0)
    assert message.body == b""


# Servers that are away.


def test_a_redis_that_comes_back_is_used_again(tmp_path: Path, redis_server: RedisServer) -> None:
    server = RedisServer(tmp_path)
    server.start()
    queue = open_queue(f"redis://127.0.0.1:{server.port}/0/prices", visibility=SHORT)
    try:
        queue.send([b'{"n": 1}', b'{"n": 2}'])
        [first] = queue.receive(1, 1)
        queue.done([first])
        server.kill()
        with pytest.raises(Transient, match="does not answer"):
            queue.receive(10, 0.1)
        server.start()
        [second] = received(queue)
        assert second.body == b'{"n": 2}'
        # One that lost its data has neither stream nor group.
        with redis.Redis(port=server.port) as client:
            client.flushall()
        queue.send([b'{"n": 3}'])
        assert [message.body for message in received(queue)] == [b'{"n": 3}']
    finally:
        queue.close()
        server.stop()


@pytest.mark.parametrize("kind", ["redis", "sqs"])
def test_a_queue_that_refuses_connections_may_come_back(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    port = free_port()
    if kind == "redis":
        queue = open_queue(f"redis://127.0.0.1:{port}/0/prices")
    else:
        address = "sqs://prices?region=eu-central-1"
        queue = open_queue(address, endpoint=f"http://127.0.0.1:{port}")
    with pytest.raises(Transient, match="does not answer"):
        queue.receive(1, 0)


def test_what_waiting_cannot_cure_is_told_apart(aws: str, redis_server: RedisServer) -> None:
    with pytest.raises(ConfigurationError, match="nowhere"):
        open_queue("sqs://nowhere").receive(1, 0)
    address = redis_server.address()
    with redis.Redis(port=redis_server.port) as client:
        client.set(address.rpartition("/")[2], "not a stream")
    with pytest.raises(ConfigurationError, match="WRONGTYPE"):
        open_queue(address).receive(1, 0)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "prices",
        "kafka://x/y",
        "spool:",
        "redis://host",
        "redis://host/x/y",
        "redis://h:port/0/s",
    ],
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigurationError, match="Write spool:FOLDER"):
        open_queue(address)


def test_credentials_in_an_address_are_refused_and_not_repeated() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_queue("redis://ann:s3cr3t-w0rd@host:6379/0/prices")
    assert "s3cr3t" not in str(caught.value)


def test_a_refused_password_is_not_repeated(redis_server: RedisServer) -> None:
    address = f"{redis_server.address()}?user=nobody"
    queue = open_queue(address, password=SecretStr("s3cr3t-w0rd"))
    with pytest.raises(ConfigurationError, match="refuses the sign-in") as caught:
        queue.receive(1, 0)
    assert "s3cr3t" not in f"{caught.value!r}{caught.value.__cause__!r}{queue.name}"
