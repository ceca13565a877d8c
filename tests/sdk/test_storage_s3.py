"""The store on S3, over HTTP: publication, races, history, errors."""

from __future__ import annotations

import contextlib
import multiprocessing
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import boto3
import polars as pl
import pytest

from sdk.dataset import Dataset, DatasetKey
from sdk.errors import StorageError, Transient
from sdk.garbage import collect_garbage
from sdk.manifest import Degradation
from sdk.storage import CONFLICTS, Storage
from sdk.store import Store
from tests.sdk.moto_s3 import BUCKET, s3_endpoint

__all__ = ["s3_endpoint"]

DAY = date(2026, 8, 15)
KEY = DatasetKey(customer="acme", name="offers", day=DAY)
FRAME = pl.DataFrame({"sku": ["a", "b"], "price": [1.5, 2.5]})


@pytest.fixture
def url(s3_endpoint: str) -> str:
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


def test_what_is_published_can_be_read(url: str) -> None:
    store = Store(url)
    made = store.publish(KEY, {"table": FRAME, "page.html": b"<p>"}, fingerprint="f")
    assert made.frame("table").equals(FRAME)
    assert made.frame("table", columns=["price"]).columns == ["price"]
    assert made.scan("table").filter(pl.col("price") > 2).collect().height == 1
    assert made.read("page.html") == b"<p>"
    assert made.url("page.html").startswith(url)
    assert store.dataset(KEY) == made
    assert store.holds(made)
    stored = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=url.split("/", 3)[3])
    names = [item["Key"].rsplit("/", 1)[-1] for item in stored["Contents"]]
    assert len(names) == 3
    assert "manifest-000001.json" in names


def test_history_last_good_and_serving(url: str) -> None:
    store = Store(url)
    for back in (3, 2, 1):
        key = KEY.model_copy(update={"day": DAY - timedelta(days=back)})
        reason = [Degradation(dataset="x", source="last_good")] if back == 1 else []
        store.publish(key, FRAME, fingerprint=str(back), degraded=reason)
    assert [item.day.day for item in store.history("acme", "offers", before=DAY)] == [14, 13, 12]
    good = store.last_good(KEY, max_age=timedelta(days=7))
    assert good is not None
    assert good.day == DAY - timedelta(days=2)
    served = store.serve(
        KEY, good, degradation=Degradation(dataset="offers", source="last_good"), fingerprint="l"
    )
    assert served.frame().equals(FRAME)
    assert [item.day for item in store.lineage(served)] == [DAY, good.day]


def test_what_another_writes_is_seen_at_once(url: str) -> None:
    """Listings are not taken from a driver's memory."""
    one = Store(url)
    assert one.versions(KEY) == []
    client = boto3.client("s3")
    mine = one.publish(KEY, FRAME, fingerprint="1")
    prefix = url.split("/", 3)[3]
    first = f"{prefix}/acme/offers/{DAY}/manifest-000001.json"
    body = client.get_object(Bucket=BUCKET, Key=first)["Body"].read()
    client.put_object(Bucket=BUCKET, Key=first.replace("000001", "000002"), Body=body)
    assert one.versions(KEY) == [1, 2]
    client.delete_object(Bucket=BUCKET, Key=f"{prefix}/acme/offers/{mine.parts[0].path}")
    assert not one.holds(mine)
    with pytest.raises(StorageError, match="is gone"):
        mine.frame()


def test_threads_racing_for_a_name_have_one_winner(url: str) -> None:
    def race(number: int) -> bool:
        barrier.wait()
        return Storage(url).put_if_absent("x/name", str(number).encode())

    barrier = threading.Barrier(8)
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(race, range(8)))
    assert won.count(True) == 1
    assert Storage(url).read("x/name") == str(won.index(True)).encode()


def _publish(arguments: tuple[str, int, str]) -> tuple[int, str]:
    url, number, fingerprint = arguments
    frame = pl.DataFrame({"writer": [0 if fingerprint == "same" else number]})
    made = Store(url).publish(KEY, frame, fingerprint=fingerprint)
    return made.version, made.content_hash


@pytest.mark.parametrize("same", [True, False])
def test_processes_racing_for_a_key(url: str, same: bool) -> None:
    writers = 6
    work = [(url, number, "same" if same else f"own-{number}") for number in range(writers)]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        results = pool.map(_publish, work, chunksize=1)
    store = Store(url)
    if same:
        assert store.versions(KEY) == [1], "one wins, the others see it"
        assert {version for version, _ in results} == {1}
    else:
        assert store.versions(KEY) == list(range(1, writers + 1))
        for version, content_hash in results:
            manifest = store.manifest(KEY, version)
            assert manifest is not None
            assert manifest.content_hash == content_hash
            assert store.holds(Dataset.of(manifest, url))


def test_garbage_on_s3(url: str) -> None:
    store = Store(url)
    store.publish(KEY, FRAME, fingerprint="1")
    store.storage.put(f"acme/offers/{DAY}/data-000000000000.parquet", b"orphan")

    assert collect_garbage(store, dry_run=False).removed == ()
    done = collect_garbage(store, older_than=timedelta(0), dry_run=False)
    # The store's clock counts in seconds: an orphan of this second is not old, later it is.
    assert set(done.removed) <= {f"acme/offers/{DAY}/data-000000000000.parquet"}
    dataset = store.dataset(KEY)
    assert dataset is not None
    assert dataset.frame().equals(FRAME)


def test_a_missing_bucket_is_named(s3_endpoint: str) -> None:
    root = Storage("s3://no-such-bucket/x")
    for call in (
        root.check_writable,
        lambda: root.read("a"),
        lambda: root.names(""),
        lambda: root.entries(""),
        lambda: root.put_if_absent("a", b""),
    ):
        with pytest.raises(StorageError, match="the bucket is not there"):
            call()


def test_no_such_object_is_not_there(url: str) -> None:
    root = Storage(url)
    with pytest.raises(FileNotFoundError):
        root.read("nothing")
    assert root.size("nothing") is None
    assert not root.exists("nothing")
    assert root.names("nothing") == []
    assert root.entries("nothing") == []
    root.delete("nothing")


def test_entries_say_size_and_age(url: str) -> None:
    root = Storage(url)
    root.put("a/b", b"123")
    [entry] = root.entries()
    assert (entry.path, entry.bytes) == ("a/b", 3)
    assert entry.modified is not None
    assert abs((entry.modified - datetime.now(UTC)).total_seconds()) < 60


class Answers(BaseHTTPRequestHandler):
    """Answers every request as the test has told it to; the last answer stays."""

    protocol_version = "HTTP/1.1"  # or it would not answer "Expect: 100-continue"
    script: ClassVar[list[tuple[int, str]]] = []
    requests: ClassVar[list[tuple[str, str | None]]] = []

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.requests.append((self.command, self.headers.get("If-None-Match")))
        status, code = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if code == "silence":
            time.sleep(2)
        body = f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        body = b"" if status == 200 or self.command == "HEAD" else body
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):  # who waited for silence has gone
            self.wfile.write(body)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _answer  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class Scripted:
    """A storage whose server answers by a script."""

    def __init__(self, port: int) -> None:
        # Impatient: no retries of botocore's own, a second for an answer.
        self.root = Storage(
            f"s3://{BUCKET}/x",
            endpoint_url=f"http://127.0.0.1:{port}",
            key="k",
            secret="s",
            config_kwargs={
                "retries": {"max_attempts": 0},
                "connect_timeout": 1,
                "read_timeout": 1,
                "request_checksum_calculation": "when_required",
            },
        )

    def answers(self, *script: tuple[int, str]) -> None:
        Answers.script[:] = script
        Answers.requests.clear()


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Scripted(server.server_address[1])
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("code", ["AccessDenied", "SignatureDoesNotMatch", "ExpiredToken"])
def test_a_refusal_is_permanent_and_says_so(scripted: Scripted, code: str) -> None:
    scripted.answers((403, code))
    for call in (scripted.root.check_writable, lambda: scripted.root.read("a")):
        with pytest.raises(StorageError, match="not permitted"):
            call()
    with pytest.raises(StorageError, match="not permitted"):
        scripted.root.size("a")


@pytest.mark.parametrize(
    ("status", "code"),
    [(503, "SlowDown"), (503, "ServiceUnavailable"), (500, "InternalError")],
)
def test_a_store_that_is_busy_is_transient(scripted: Scripted, status: int, code: str) -> None:
    scripted.answers((status, code))
    with pytest.raises(Transient, match="cannot write a"):
        scripted.root.put_if_absent("a", b"x")


def test_a_malformed_request_is_permanent(scripted: Scripted) -> None:
    scripted.answers((400, "InvalidArgument"))
    with pytest.raises(StorageError):
        scripted.root.put("a", b"x")


def test_slow_down_is_tried_again_below_us(scripted: Scripted) -> None:
    scripted.answers((503, "SlowDown"), (200, ""))
    scripted.root.put("a", b"x")
    assert len(Answers.requests) == 2


def test_a_conflict_is_asked_again_and_keeps_the_condition(scripted: Scripted) -> None:
    """A 409 says that another request was under way, not that it won."""
    conflict = (409, "ConditionalRequestConflict")
    scripted.answers(conflict, conflict, (200, ""))
    assert scripted.root.put_if_absent("a", b"x")
    assert Answers.requests == [("PUT", "*")] * 3
    scripted.answers(conflict, (412, "PreconditionFailed"))
    assert not scripted.root.put_if_absent("a", b"x")
    scripted.answers(conflict)
    with pytest.raises(Transient):
        scripted.root.put_if_absent("a", b"x")
    assert len(Answers.requests) == CONFLICTS


def test_no_answer_is_transient(scripted: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scripted.root._fs, "retries", 1)  # not five times a second
    scripted.answers((200, "silence"))
    with pytest.raises(Transient, match="cannot write a"):
        scripted.root.put("a", b"x")


def test_nobody_there_is_transient(s3_endpoint: str) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = Scripted(unused.getsockname()[1]).root
        with pytest.raises(Transient, match="cannot write a"):
            nobody.put("a", b"x")
