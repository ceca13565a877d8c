"""The steps around files, APIs, DynamoDB, Athena and jobs, in flows on stand-ins that are real."""

from __future__ import annotations

import inspect
import threading
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import flows.connecting as connecting
from blocks.connectors import (
    Athena,
    Connector,
    ConnectorError,
    DynamoDbTable,
    EmrServerless,
    ObjectStore,
    Refused,
)
from flows.connecting import (
    fetch_files,
    query_athena,
    read_items,
    run_job,
    send_file,
    write_items,
)
from sdk import Permanent, checks, flow, last_good, task
from sdk.policy import POLICIES
from sdk.tasks import StepTask
from tests.blocks.connectors.moto_aws import ACCOUNT, SECRET, Aws, aws
from tests.blocks.connectors.test_aws import answered, column, in_thread, job_of

__all__ = ["aws"]

DAY = date(2026, 12, 1)
STEPS = {name: step for name in connecting.__all__
         if isinstance(step := getattr(connecting, name), StepTask)}  # fmt: skip


@task(dataset="offers")
def offers() -> pl.DataFrame:
    return pl.DataFrame({"sku": ["1", "2"], "units": [3, None], "price": [9.99, 0.5]})


@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_step_takes_the_policy_of_its_connector(name: str) -> None:
    step = STEPS[name].step
    assert step is not None
    hints = inspect.get_annotations(inspect.unwrap(STEPS[name].fn.function), eval_str=True)
    first = next(iter(hints.values()))
    for kind in getattr(first, "__args__", (first,)):
        assert issubclass(kind, Connector)
        assert step.retry is POLICIES[kind.policy]


def test_files_come_in_as_they_are_and_go_out(store_url: str, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "prices_1.csv.gz").write_bytes(b"\x1f\x8b as it is")
    (tmp_path / "in" / "notes.txt").write_text("not this")
    files = ObjectStore(url=str(tmp_path / "in"))

    @flow(customer="orchard")
    def exchange(day: date) -> Any:
        return fetch_files(files, "prices_*"), send_file(files, offers(), "out/offers.csv")

    found, sent = exchange(DAY)
    assert found.read("prices_1.csv.gz") == b"\x1f\x8b as it is"
    assert [part.name for part in found.parts] == ["prices_1.csv.gz"]
    assert sent == 2
    written = pl.read_csv(tmp_path / "in" / "out" / "offers.csv", infer_schema=False)
    assert written["sku"].to_list() == ["1", "2"]

    @flow(customer="orchard")
    def missing(day: date) -> Any:
        return fetch_files(files, "gone_*")

    with pytest.raises(Permanent, match="no file matches gone_"):
        missing(DAY)


def test_items_and_a_query_s_cost(aws: Aws, store_url: str) -> None:
    aws.client("dynamodb").create_table(
        TableName="offers",
        KeySchema=[{"AttributeName": "sku", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "sku", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table = DynamoDbTable(table="offers", **aws.fields)
    athena = Athena(output="s3://results/", poll=0.01, **aws.fields)
    answered(aws, [column("shop", "varchar"), column("n", "bigint")], [["a", "7"]])

    @flow(customer="orchard")
    def daily(day: date) -> Any:
        written = write_items(table, offers())
        items = read_items(table, {"sku": "string", "units": "int64", "price": "double"}, "back")
        counted = query_athena.with_options(checks=[checks.rows(1)])(athena, "select …", "counted")
        return written, items, counted

    written, items, counted = daily(DAY)
    assert written == 2
    assert items.frame().sort("sku").to_dicts() == [
        {"sku": "1", "units": 3, "price": 9.99},
        {"sku": "2", "units": None, "price": 0.5},
    ]
    assert counted.frame().to_dicts() == [{"shop": "a", "n": 7}]
    assert counted.statistics["bytes_scanned"] == 0
    assert counted.statistics["cost"] == 0.0
    assert counted.statistics["query_id"]
    for path in Path(store_url).rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_what_is_refused_may_have_a_fallback(aws: Aws, store_url: str) -> None:
    gone = DynamoDbTable(table="gone", **aws.fields)
    reading = read_items.with_options(fallback=last_good("3d"))

    @flow(customer="orchard")
    def daily(day: date) -> Any:
        return reading(gone, {"sku": "string"}, "items")

    with pytest.raises(ConnectorError, match="ResourceNotFound"):
        daily(DAY)


def test_a_job_that_fails_fails_the_run_with_its_log(
    aws: Aws, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moto.emrserverless.models.JOB_STATUS", "RUNNING")
    made = aws.client("emr-serverless").create_application(
        name="spark", releaseLabel="emr-7.1.0", type="SPARK"
    )
    application = str(made["applicationId"])
    emr = EmrServerless(
        application=application,
        execution_role_arn=f"arn:aws:iam::{ACCOUNT}:role/jobs",
        poll=0.01,
        **aws.fields,
    )

    @flow(customer="orchard")
    def daily(day: date) -> Any:
        return run_job(emr, "prices", "s3://jobs/prices.py")

    def fail() -> None:
        job = job_of(application)
        job.state_details, job.state = "ran out of memory", "FAILED"

    thread, _ = in_thread(fail)
    assert isinstance(thread, threading.Thread)
    with pytest.raises(Refused, match="ran out of memory"):
        daily(DAY)
    thread.join()
