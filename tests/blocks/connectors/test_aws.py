"""Athena, DynamoDB, EMR and EMR Serverless over HTTP: moto keeps the books, tests end the jobs."""

from __future__ import annotations

import gzip
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx
import moto.backends
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.connectors import (
    Athena,
    ConnectorError,
    DynamoDbTable,
    Emr,
    EmrServerless,
    Interrupted,
    Refused,
    Unreachable,
)
from blocks.connectors.running import stop_all
from sdk.errors import classify
from sdk.testing.processes import free_port, wait_until

from .moto_aws import ACCOUNT, REGION, SECRET, Aws, aws

__all__ = ["aws"]

PATIENCE = 120.0


def backend(service: str) -> Any:
    """What moto keeps of a service, to end jobs that it never ends by itself."""
    return moto.backends.get_backend(service)[ACCOUNT][REGION]  # type: ignore[call-overload]


def in_thread(work: Callable[[], Any]) -> tuple[threading.Thread, list[Any]]:
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


# Athena


def column(name: str, kind: str, precision: int = 0, scale: int = 0) -> dict[str, Any]:
    return {"Name": name, "Label": name, "Type": kind, "Precision": precision, "Scale": scale,
            "Nullable": "UNKNOWN", "CaseSensitive": True, "CatalogName": "hive",
            "SchemaName": "", "TableName": ""}  # fmt: skip


def answered(aws: Aws, columns: list[dict[str, Any]], rows: list[list[str | None]]) -> None:
    """Have the next query answered so; the first row is the header, as Athena's is."""
    header = [one["Name"] for one in columns]
    data = [
        {"Data": [{} if value is None else {"VarCharValue": value} for value in row]}
        for row in [header, *rows]
    ]
    result = {"rows": data, "column_info": columns}
    httpx.post(
        f"{aws.endpoint}/moto-api/static/athena/query-results",
        json={"account_id": ACCOUNT, "region": REGION, "results": [result]},
    ).raise_for_status()


def athena(aws: Aws, **changed: Any) -> Athena:
    given = {"output": "s3://results/athena/", "database": "retail", "poll": 0.01, **aws.fields}
    return Athena(**{**given, **changed})


@pytest.fixture
def endless() -> Iterator[None]:
    """Queries that run until somebody stops them."""
    from moto.moto_api import state_manager

    state_manager.set_transition("athena::execution", {"progression": "manual", "times": 10**9})
    yield
    state_manager.unset_transition("athena::execution")


def test_a_query_becomes_typed_parquet(aws: Aws, tmp_path: Path) -> None:
    columns = [
        column("sku", "varchar"),
        column("price", "decimal", 10, 2),
        column("units", "bigint"),
        column("day", "date"),
        column("at", "timestamp"),
        column("sold", "boolean"),
        column("share", "double"),
    ]
    rows: list[list[str | None]] = [
        ["0012", "9.90", "3", "2026-12-01", "2026-12-01 10:00:00.000", "true", "0.5"],
        ["7", None, None, None, None, None, None],
    ]
    answered(aws, columns, rows)
    done = athena(aws).export("select * from offers where day = ?", tmp_path / "a.parquet",
                              parameters=["'2026-12-01'"])  # fmt: skip
    first, second = pl.read_parquet(tmp_path / "a.parquet").to_dicts()
    assert first == {
        "sku": "0012",
        "price": Decimal("9.90"),
        "units": 3,
        "day": date(2026, 12, 1),
        "at": datetime(2026, 12, 1, 10),
        "sold": True,
        "share": 0.5,
    }
    assert [second[name] for name in ("price", "units", "day", "sold")] == [None] * 4
    assert (done.rows, done.cost) == (2, Decimal(0))
    asked = backend("athena").executions[done.query_id]
    assert asked.execution_parameters == ["'2026-12-01'"]


def test_a_query_is_unloaded_by_athena_itself(aws: Aws) -> None:
    done = athena(aws).unload("select 1 as n;", "s3://results/unloaded")
    asked = backend("athena").executions[done.query_id].query
    assert asked == "UNLOAD (select 1 as n) TO 's3://results/unloaded/' WITH (format = 'PARQUET')"
    assert done.url == "s3://results/unloaded/"
    with pytest.raises(Refused, match="no folder of S3"):
        athena(aws).unload("select 1", "s3://results/x') --")


@given(scanned=st.integers(min_value=0, max_value=2**50), price=st.integers(1, 50))
def test_a_query_costs_by_the_byte_and_at_least_ten_megabytes(scanned: int, price: int) -> None:
    block = Athena(region=REGION, price=Decimal(price))
    exact = Decimal(price) * max(scanned, 10 * 2**20) / 2**40 if scanned else Decimal(0)
    assert abs(block.cost(scanned) - exact) <= Decimal("0.0000005")
    assert block.cost(scanned + 1) >= block.cost(scanned)


def test_a_query_that_fails_says_why(aws: Aws, tmp_path: Path, endless: None) -> None:
    known = set(backend("athena").executions)
    thread, outcome = in_thread(lambda: athena(aws).export("select", tmp_path / "a.parquet"))
    started = lambda: set(backend("athena").executions) - known  # noqa: E731
    wait_until(lambda: bool(started()), PATIENCE, "no query was started")
    query = backend("athena").executions[started().pop()]
    query.status = "FAILED"
    thread.join(PATIENCE)
    assert isinstance(outcome[0], Refused), outcome
    assert query.id in str(outcome[0])
    assert list(tmp_path.iterdir()) == []


def test_a_cancelled_run_stops_its_query(aws: Aws, tmp_path: Path, endless: None) -> None:
    known = set(backend("athena").executions)
    thread, outcome = in_thread(lambda: athena(aws).export("select 1", tmp_path / "a.parquet"))
    started = lambda: set(backend("athena").executions) - known  # noqa: E731
    wait_until(lambda: bool(started()), PATIENCE, "no query was started")
    wait_until(lambda: any("Athena" in what for what in stop_all()), PATIENCE, "not stopped")
    thread.join(PATIENCE)
    assert isinstance(outcome[0], Interrupted)
    assert backend("athena").executions[started().pop()].status == "CANCELLED"


def test_a_query_beyond_its_limit_is_stopped(aws: Aws, tmp_path: Path, endless: None) -> None:
    known = set(backend("athena").executions)
    with pytest.raises(Unreachable, match=r"within 0\.1 s"):
        athena(aws, time_limit=0.1).export("select 1", tmp_path / "a.parquet")
    (query,) = set(backend("athena").executions) - known
    assert backend("athena").executions[query].status == "CANCELLED"


def test_the_check_reads_the_workgroup(aws: Aws) -> None:
    assert athena(aws).check()
    nobody = athena(aws, endpoint_url=f"http://127.0.0.1:{free_port()}", timeout=2).check()
    assert (nobody.reachable, nobody.permitted) == (False, False)
    assert SECRET not in nobody.reason + repr(athena(aws))


# DynamoDB


@pytest.fixture
def table(aws: Aws) -> str:
    name = f"offers-{uuid.uuid4().hex[:8]}"
    aws.client("dynamodb").create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "sku", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "sku", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return name


def dynamo(aws: Aws, table: str, **changed: Any) -> DynamoDbTable:
    return DynamoDbTable(**{"table": table, **aws.fields, **changed})


def item(number: int) -> dict[str, Any]:
    return {"sku": f"{number:04d}", "price": 0.1 * number, "units": number, "none": None,
            "day": date(2026, 12, 1), "tags": ["a", 1.5]}  # fmt: skip


SCHEMA = {"sku": "string", "price": "decimal(38,20)", "units": "int64", "tags": "string"}


def test_items_are_written_and_scanned(aws: Aws, table: str, tmp_path: Path) -> None:
    block = dynamo(aws, table)
    assert block.write(item(n) for n in range(60)) == 60
    assert block.write(item(n) for n in range(60)) == 60, "again: the same items"
    done = block.export(tmp_path / "d.parquet", schema=SCHEMA)
    rows = pl.read_parquet(tmp_path / "d.parquet").sort("sku")
    assert done.rows == rows.height == 60
    assert rows["price"][3] == Decimal(repr(0.1 * 3))
    assert rows["units"].to_list() == list(range(60))
    assert json.loads(rows["tags"][0]) == ["a", "1.5"]


def test_what_a_table_leaves_over_is_sent_again(aws: Aws, table: str, tmp_path: Path) -> None:
    with Leaving(aws.endpoint) as proxy:
        block = dynamo(aws, table, endpoint_url=proxy.url)
        assert block.write(item(n) for n in range(40)) == 40
    assert proxy.left > 0
    assert dynamo(aws, table).export(tmp_path / "d.parquet", schema=SCHEMA).rows == 40


def test_a_table_that_takes_nothing_is_given_up_in_time(aws: Aws, table: str) -> None:
    with Leaving(aws.endpoint, all_of_it=True) as proxy, pytest.raises(Unreachable) as caught:
        dynamo(aws, table, endpoint_url=proxy.url, time_limit=0.3).write([item(1)])
    assert "took 0 items" in str(caught.value)
    assert classify(caught.value) == "transient"


def test_an_item_is_put_on_a_condition(aws: Aws, table: str) -> None:
    block = dynamo(aws, table)
    assert block.put_new({"sku": "1", "version": 1}, "sku") is True
    assert block.put_new({"sku": "1", "version": 9}, "sku") is False
    assert block.put_if({"sku": "1", "version": 2}, "version = :seen", values={":seen": 1})
    assert not block.put_if({"sku": "1", "version": 3}, "version = :seen", values={":seen": 1})


def test_what_cannot_be_held_names_its_attribute(aws: Aws, table: str, tmp_path: Path) -> None:
    block = dynamo(aws, table)
    with pytest.raises(Refused, match="attribute odd"):
        block.write([{"sku": "1", "odd": object()}])
    block.write([{"sku": "1", "units": "many"}])
    with pytest.raises(Refused, match="column units does not fit int64"):
        block.export(tmp_path / "d.parquet", schema=SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_is_gone_is_said(aws: Aws, tmp_path: Path) -> None:
    block = dynamo(aws, "gone")
    with pytest.raises(Refused, match="ResourceNotFound"):
        block.write([item(1)])
    with pytest.raises(ConnectorError):
        block.export(tmp_path / "d.parquet", schema=SCHEMA)
    access = block.check()
    assert (access.reachable, access.permitted) == (True, False)
    assert list(tmp_path.iterdir()) == []


class Front:
    """A server before moto for what moto cannot do: it may answer, or change what passes."""

    def __init__(self, target: str) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                asked = str(self.headers["X-Amz-Target"]).split(".")[-1]
                status, answer = outer.answered(asked, json.loads(body), self.passed)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/x-amz-json-1.0")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def passed(self, body: Any) -> Any:
                headers = {k: v for k, v in self.headers.items() if k.lower() != "content-length"}
                return httpx.post(target, content=json.dumps(body), headers=headers).json()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answered(self, asked: str, body: Any, passed: Callable[[Any], Any]) -> tuple[int, Any]:
        return 200, passed(body)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Leaving(Front):
    """DynamoDB as it is when busy: of each batch write it takes the first half, or nothing."""

    def __init__(self, target: str, *, all_of_it: bool = False) -> None:
        super().__init__(target)
        self.left, self.all_of_it = 0, all_of_it

    def answered(self, asked: str, body: Any, passed: Callable[[Any], Any]) -> tuple[int, Any]:
        if asked != "BatchWriteItem":
            return 200, passed(body)
        ((name, requests),) = body["RequestItems"].items()
        if self.all_of_it:
            return 200, {"UnprocessedItems": {name: requests}}
        keep = (len(requests) + 1) // 2
        self.left += len(requests) - keep
        answer = passed({**body, "RequestItems": {name: requests[:keep]}})
        left = {name: requests[keep:]} if keep < len(requests) else {}
        return 200, {**answer, "UnprocessedItems": left}


class Refusing(Front):
    """A service that refuses everything with one code."""

    def __init__(self, target: str, status: int, code: str) -> None:
        super().__init__(target)
        self.refusal = status, {"__type": code, "message": f"told {SECRET}"}

    def answered(self, asked: str, body: Any, passed: Callable[[Any], Any]) -> tuple[int, Any]:
        return self.refusal


class Cancelling(Front):
    """EMR's CancelSteps, which moto lacks."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.cancelled: list[Any] = []

    def answered(self, asked: str, body: Any, passed: Callable[[Any], Any]) -> tuple[int, Any]:
        if asked != "CancelSteps":
            return 200, passed(body)
        self.cancelled.append(body)
        step_of(body["ClusterId"]).state = "CANCELLED"
        return 200, {"CancelStepsInfoList": []}


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "AccessDeniedException", Refused),
        (400, "UnrecognizedClientException", Refused),
        (400, "ProvisionedThroughputExceededException", Unreachable),
        (500, "InternalServerError", Unreachable),
    ],
)
def test_what_aws_refuses_is_told_apart_and_shows_no_secret(
    aws: Aws, table: str, status: int, code: str, kind: type[ConnectorError]
) -> None:
    with Refusing(aws.endpoint, status, code) as front:
        block = dynamo(aws, table, endpoint_url=front.url)
        with pytest.raises(kind, match=code) as caught:
            block.write([item(1)])
        access = block.check()
    assert access.reachable is (kind is Refused)
    assert not access.permitted
    assert SECRET not in f"{caught.value}{access.reason}"


# EMR


@pytest.fixture
def cluster(aws: Aws) -> str:
    made = aws.client("emr").run_job_flow(
        Name="spark",
        ReleaseLabel="emr-7.1.0",
        LogUri="s3://emr-logs/clusters/",
        Instances={
            "MasterInstanceType": "m5.xlarge",
            "InstanceCount": 1,
            "KeepJobFlowAliveWhenNoSteps": True,
        },
        JobFlowRole="EMR_EC2_DefaultRole",
        ServiceRole="EMR_DefaultRole",
    )
    return str(made["JobFlowId"])


def emr(aws: Aws, cluster: str, **changed: Any) -> Emr:
    return Emr(**{"cluster": cluster, "poll": 0.01, **aws.fields, **changed})


def step_of(cluster: str) -> Any:
    # moto files clusters under the region of the address, which a loopback address has none of.
    regions = moto.backends.get_backend("emr")[ACCOUNT]
    (found,) = [one for region in list(regions.values()) for name, one in region.clusters.items()
                if name == cluster]  # fmt: skip
    wait_until(lambda: bool(found.steps), PATIENCE, "no step")
    return found.steps[-1]


def test_a_step_is_followed_to_its_end(aws: Aws, cluster: str) -> None:
    thread, outcome = in_thread(
        lambda: emr(aws, cluster).run("prices", ["spark-submit", "s3://jobs/prices.py"])
    )
    step = step_of(cluster)
    assert step.args == ["spark-submit", "s3://jobs/prices.py"]
    step.state = "COMPLETED"
    thread.join(PATIENCE)
    assert outcome[0].job_id == step.id


def test_a_step_that_fails_shows_the_end_of_its_log(aws: Aws, cluster: str) -> None:
    s3 = aws.bucket("emr-logs")
    thread, outcome = in_thread(lambda: emr(aws, cluster).run("prices", ["spark-submit"]))
    step = step_of(cluster)
    log = "\n".join(["noise"] * 100 + ["ValueError: price is negative", f"key={SECRET}"])
    s3.put_object(
        Bucket="emr-logs",
        Key=f"clusters/{cluster}/steps/{step.id}/stderr.gz",
        Body=gzip.compress(log.encode()),
    )
    step.state = "FAILED"
    thread.join(PATIENCE)
    assert isinstance(outcome[0], Refused)
    assert "ValueError: price is negative" in str(outcome[0])
    assert SECRET not in str(outcome[0])
    assert str(outcome[0]).count("noise") < 40


def test_a_cancelled_run_cancels_its_step(aws: Aws, cluster: str) -> None:
    with Cancelling(aws.endpoint) as front:
        block = emr(aws, cluster, endpoint_url=front.url)
        thread, outcome = in_thread(lambda: block.run("prices", ["spark-submit"]))
        step = step_of(cluster)
        wait_until(lambda: any("EMR step" in what for what in stop_all()), PATIENCE, "not stopped")
        thread.join(PATIENCE)
    assert isinstance(outcome[0], Interrupted)
    (asked,) = front.cancelled
    assert asked["StepIds"] == [step.id]
    assert asked["StepCancellationOption"] == "TERMINATE_PROCESS"


def test_a_cluster_that_is_gone_is_said(aws: Aws) -> None:
    access = emr(aws, "j-GONE").check()
    assert access.permitted is False


def test_the_check_describes_the_cluster(aws: Aws, cluster: str) -> None:
    access = emr(aws, cluster).check()
    assert access, access.reason


# EMR Serverless


@pytest.fixture
def application(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> str:
    # Where moto's jobs begin: by default they have succeeded before they start.
    monkeypatch.setattr("moto.emrserverless.models.JOB_STATUS", "RUNNING")
    made = aws.client("emr-serverless").create_application(
        name="spark", releaseLabel="emr-7.1.0", type="SPARK"
    )
    return str(made["applicationId"])


def serverless(aws: Aws, application: str, **changed: Any) -> EmrServerless:
    given = {
        "application": application,
        "execution_role_arn": f"arn:aws:iam::{ACCOUNT}:role/jobs",
        "logs": "s3://serverless-logs/",
        "poll": 0.01,
        **aws.fields,
    }
    return EmrServerless(**{**given, **changed})


def job_of(application: str) -> Any:
    runs = lambda: backend("emr-serverless").job_runs.get(application)  # noqa: E731
    wait_until(lambda: bool(runs()), PATIENCE, "no job run")
    return runs()[-1]


def test_a_job_run_is_followed_to_its_end(aws: Aws, application: str) -> None:
    thread, outcome = in_thread(
        lambda: serverless(aws, application).run(
            "prices", "s3://jobs/prices.py", ["2026-12-01"], spark={"spark.executor.memory": "8g"}
        )
    )
    job = job_of(application)
    assert job.job_driver["sparkSubmit"]["entryPointArguments"] == ["2026-12-01"]
    assert (
        "--conf spark.executor.memory=8g" in job.job_driver["sparkSubmit"]["sparkSubmitParameters"]
    )
    job.state = "SUCCESS"
    thread.join(PATIENCE)
    assert outcome[0].job_id == job.id


def test_a_job_run_that_fails_shows_the_end_of_its_log(aws: Aws, application: str) -> None:
    s3 = aws.bucket("serverless-logs")
    thread, outcome = in_thread(lambda: serverless(aws, application).run("p", "s3://jobs/p.py"))
    job = job_of(application)
    s3.put_object(
        Bucket="serverless-logs",
        Key=f"applications/{application}/jobs/{job.id}/SPARK_DRIVER/stderr.gz",
        Body=gzip.compress(b"KeyError: 'sku'"),
    )
    job.state_details, job.state = "Job failed", "FAILED"
    thread.join(PATIENCE)
    assert "Job failed" in str(outcome[0])
    assert "KeyError: 'sku'" in str(outcome[0])


def test_a_cancelled_run_cancels_its_job(aws: Aws, application: str) -> None:
    thread, outcome = in_thread(lambda: serverless(aws, application).run("p", "s3://jobs/p.py"))
    job = job_of(application)
    wait_until(lambda: any("EMR" in what for what in stop_all()), PATIENCE, "not stopped")
    thread.join(PATIENCE)
    assert job.state == "CANCELLED"
    assert isinstance(outcome[0], Interrupted)


def test_the_check_reads_the_application(aws: Aws, application: str) -> None:
    assert serverless(aws, application).check()
    assert not serverless(aws, "gone").check()
