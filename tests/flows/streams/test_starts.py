"""What arrives starts a deployment, once: on a real server, by real notifications."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from flows.streams.database import Database
from flows.streams.event import Poison
from flows.streams.lease import Lease
from flows.streams.ledger import Ledger
from flows.streams.patience import Patience
from flows.streams.queues import open_queue
from flows.streams.starts import declarations
from flows.streams.starts.apply import apply
from flows.streams.starts.arrivals import Arrivals, Folder, Notifications, objects_in
from flows.streams.starts.declarations import Start
from flows.streams.starts.watch import Watch
from flows.streams.telling import Teller
from sdk import ConfigurationError
from sdk.api import Api
from sdk.notices.settings import NoticeSettings
from sdk.storage import Storage
from sdk.testing.processes import wait_until
from sdk.testing.server import PrefectServer, prefect_server
from tests.flows.streams.servers import sqs_address

__all__ = ["prefect_server"]

pytestmark = pytest.mark.timeout(900)


def record(key: str, tag: str = "abc", event: str = "ObjectCreated:Put") -> dict[str, Any]:
    item = {"key": key, "size": 5, "eTag": tag, "sequencer": "01"}
    return {"eventName": event, "s3": {"bucket": {"name": "orchard-in"}, "object": item}}


def test_notifications_of_both_kinds_tell_of_objects() -> None:
    body = json.dumps({"Records": [record("prices/a+b%2Bc.csv"), record("x", event="ObjectRemoved:Delete")]})  # fmt: skip # noqa: E501
    [found] = objects_in(body.encode())
    assert (found.url, found.size) == ("s3://orchard-in/prices/a b+c.csv", 5)
    assert objects_in(json.dumps({"Message": body}).encode()) == [found]
    bridge = {"detail-type": "Object Created", "detail": {"bucket": {"name": "orchard-in"},
              "object": {"key": "prices/a b+c.csv", "size": 5, "etag": "abc", "sequencer": "01"}}}  # fmt: skip # noqa: E501
    [same] = objects_in(json.dumps(bridge).encode())
    assert same.identity == found.identity
    assert objects_in(b'{"Event": "s3:TestEvent"}') == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"Records": [{}]}', b'{"Records": 7}', b'{"Message": "?"}']
)
def test_what_is_no_notification_is_poison(body: bytes) -> None:
    with pytest.raises(Poison):
        objects_in(body)


def test_a_file_is_told_when_it_has_stood_still(tmp_path: Path) -> None:
    seconds = [0.0]
    folder = Folder(Storage(str(tmp_path)), 5, clock=lambda: seconds[0])
    (tmp_path / "day.csv").write_text("half")
    (tmp_path / ".tmp-x").write_text("not yet")
    assert folder.look() == []
    seconds[0] = 4
    (tmp_path / "day.csv").write_text("half and the other half")
    assert folder.look() == []
    seconds[0] = 8
    assert folder.look() == [], "it changed four seconds ago"
    seconds[0] = 9
    [found] = folder.look()
    assert (found.url, found.size) == (f"{tmp_path}/day.csv", 23)
    assert folder.look() == [found], "nobody has settled it"
    folder.settle()
    assert folder.look() == []
    (tmp_path / "day.csv").write_text("another day")
    folder.look()
    seconds[0] = 20
    [again] = folder.look()
    assert again.identity != found.identity


def test_declarations_of_the_house_can_be_read() -> None:
    assert [start.deployment for start in declarations.read("staging")] == [
        "orchard-daily/orchard-daily"
    ]
    assert declarations.read("production") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name: [", "is not YAML"),
        ("name: x", "event"),
        ("{name: x, event: e, deployment: d}", "deployment"),
        ("{name: x, event: e, deployment: a/b, once_in: 5s}", "once_in"),
        ("{name: x, event: e, deployment: a/b, colour: red}", "colour"),
    ],
)
def test_a_wrong_declaration_names_file_and_field(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "one.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match=r"one\.yaml") as caught:
        declarations.read("staging", tmp_path)
    assert words in str(caught.value)


@pytest.fixture
def api(prefect_server: PrefectServer) -> Iterator[Api]:
    with Api(prefect_server.api_url, patience=60) as made:
        yield made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    database = Database(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield Ledger(database, "arrivals/orchard")
    database.close()


def deployed(api: Api, name: str) -> str:
    flow = api.post("/flows/", {"name": name})["id"]
    made = api.post("/deployments/", {"name": name, "flow_id": flow})
    return str(made["id"])


def watch(api: Api, ledger: Ledger, place: Arrivals, source: str, folder: Path) -> Watch:
    teller = Teller("platform", str(folder / "store"), "test", settings=NoticeSettings())
    patience = Patience(teller, threading.Event())
    lease = Lease(ledger.database, ledger.stream, 0.5)
    return Watch(place, source, ledger, lease, patience, api, pause=0.05)


def watched(made: Watch, until: Any) -> None:
    """Let a watch go until something is so."""
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        wait_until(lambda: until() or not thread.is_alive(), 300, "it does not come about")
        assert thread.is_alive(), "the watch ended with an error"
    finally:
        made.stop.set()
        thread.join()


def runs(api: Api, deployment: str) -> list[dict[str, Any]]:
    wanted = {"deployments": {"id": {"any_": [deployment]}}}
    return list(api.pages("/flow_runs/filter", wanted))


def test_an_object_in_a_bucket_starts_its_deployment_once(
    api: Api, aws: str, ledger: Ledger, tmp_path: Path
) -> None:
    deployment = deployed(api, "s3-daily")
    start = Start(
        name="objects", event="dataweave.object.arrived", deployment="s3-daily/s3-daily",
        match={"dataweave.url": "s3://orchard-in/prices/*"},
        parameters={"source": "{{ event.resource['dataweave.folder'] }}", "tries": 2},
    )  # fmt: skip
    said: list[str] = []
    for _ in range(2):
        apply(api, [start], "test-s3", say=said.append)
    assert [line[0] for line in said] == ["+", "="]
    address = sqs_address(aws)
    queue = open_queue(address, visibility=120)
    s3 = boto3.client("s3", endpoint_url=aws)
    s3.create_bucket(
        Bucket="orchard-in", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    sqs = boto3.client("sqs", endpoint_url=aws)
    url = sqs.get_queue_url(QueueName=address[6:])["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    s3.put_bucket_notification_configuration(
        Bucket="orchard-in",
        NotificationConfiguration={"QueueConfigurations": [
            {"QueueArn": arn["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
        ]},
    )  # fmt: skip
    s3.put_object(Bucket="orchard-in", Key="prices/day 1.csv", Body=b"price\n1\n")
    # The bucket tells it again, and of a thing that is none, and of another folder.
    again = json.dumps({"Records": [record("prices/twice.csv")]}).encode()
    queue.send([again, again, b'{"what": "is this"}',
                json.dumps({"Records": [record("else/where.csv")]}).encode()])  # fmt: skip
    made = watch(api, ledger, Notifications(queue, wait=0), "orchard", tmp_path)
    watched(made, lambda: len(runs(api, deployment)) >= 2)
    assert queue.depth().dead == 1
    # Whoever died between the server and the ledger tells the server twice: nothing more starts.
    told = objects_in(again)[0].event("orchard")
    last = deployed(api, "sentinel")
    apply(api, [start, Start(name="last", event="test.sentinel", deployment="sentinel/sentinel")],
          "test-s3", say=said.append)  # fmt: skip
    api.post("/events", [told, objects_in(again)[0].event("orchard")])
    api.post("/events", [{**told, "id": str(uuid.uuid4()), "event": "test.sentinel"}])
    wait_until(lambda: bool(runs(api, last)), 300, "the server takes no events")
    started = runs(api, deployment)
    assert len(started) == 2
    assert {run["parameters"]["source"] for run in started} == {"s3://orchard-in/prices"}
    assert {run["parameters"]["tries"] for run in started} == {2}
    apply(api, [], "test-s3", say=said.append)
    assert said[-2:] == ["- dataweave test-s3 start: last", "- dataweave test-s3 start: objects"]


def test_a_file_in_a_folder_starts_its_deployment_once(
    api: Api, ledger: Ledger, tmp_path: Path
) -> None:
    deployment = deployed(api, "folder-daily")
    start = Start(
        name="files", event="dataweave.object.arrived", match={"dataweave.source": "by-folder"},
        deployment="folder-daily/folder-daily",
    )  # fmt: skip
    apply(api, [start], "test-folder", say=lambda _: None)
    incoming = tmp_path / "incoming"
    incoming.mkdir()
    (incoming / "day.csv").write_text("price\n1\n")

    def place() -> Folder:
        return Folder(Storage(str(incoming)), settle=0.2)

    watched(
        watch(api, ledger, place(), "by-folder", tmp_path),
        lambda: len(runs(api, deployment)) == 1,
    )
    # A watch that starts anew finds the file there, and knows it.
    second = watch(api, ledger, place(), "by-folder", tmp_path)
    (incoming / "next.csv").write_text("price\n2\n")
    watched(second, lambda: len(runs(api, deployment)) == 2)
    assert second.told == 1


def test_a_deployment_that_is_not_there_is_named(api: Api) -> None:
    start = Start(name="lost", event="e", deployment="no/where")
    with pytest.raises(ConfigurationError, match="no deployment no/where"):
        apply(api, [start], "test", say=lambda _: None)
