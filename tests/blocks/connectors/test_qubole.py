"""Qubole, against a stand-in that follows its documented API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from s3fs import S3FileSystem

from blocks.connectors import Interrupted, Qubole, Refused, Unreachable
from blocks.connectors.running import stop_all
from sdk.errors import classify, retry_after
from sdk.testing.processes import free_port, wait_until

from .moto_aws import REGION, Aws, aws

__all__ = ["aws"]

TOKEN = "seeded-qubole-token"
PATIENCE = 120.0
SCHEMA = {"sku": "string", "price": "decimal(10,2)", "day": "date32", "units": "int64"}


class Account:
    """A Qubole account: commands wait, run and end as a test says."""

    def __init__(self) -> None:
        self.commands: dict[int, dict[str, Any]] = {}
        self.ends: str | None = "done"
        self.blind = 0
        self.results: Any = {"inline": True, "results": ""}
        self.fault: tuple[int, dict[str, str]] | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_GET(self) -> None:
                self.handle_request({})

            def do_POST(self) -> None:
                self.handle_request(self.body())

            do_PUT = do_POST  # noqa: N815 - as http.server names it

            def body(self) -> Any:
                return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

            def handle_request(self, body: Any) -> None:
                if self.headers["X-AUTH-TOKEN"] != TOKEN:
                    return self.answer(401, {"error": {"error_message": "Invalid Token"}})
                if outer.fault is not None:
                    status, headers = outer.fault
                    return self.answer(status, {"error": {}}, headers)
                parts = self.path.split("?")[0].removeprefix("/api/v1.2/").strip("/").split("/")
                return self.answer(*outer.asked(self.command, parts, body))

            def answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/api/v1.2"

    def asked(self, method: str, parts: list[str], body: Any) -> tuple[int, Any]:
        if parts == ["commands"] and method == "GET":
            return 200, {"commands": list(self.commands.values()), "paging_info": {}}
        if parts == ["commands"]:
            number = 1000 + len(self.commands)
            self.commands[number] = {"id": number, "status": "waiting", "progress": 0, **body}
            return 200, self.commands[number]
        command = self.commands[int(parts[1])]
        match method, parts[2:]:
            case "PUT", []:
                assert body == {"status": "kill"}
                command["status"] = "cancelled"
                return 200, {"kill_succeeded": "true", "id": command["id"]}
            case "GET", [] if self.blind:
                self.blind -= 1
                return 503, {"error": {"error_message": "being deployed"}}
            case "GET", []:
                if command["status"] == "waiting":
                    command["status"] = "running"
                elif command["status"] == "running" and self.ends:
                    command["status"] = self.ends
                return 200, command
            case "GET", ["results"]:
                if command["status"] != "done":
                    return 422, {"error": {"error_message": "Command is not done."}}
                return 200, self.results
            case "GET", ["logs"]:
                return 200, "noise\n" * 200 + f"SemanticException: no table prices, {TOKEN}"
        return 404, {}

    def __enter__(self) -> Account:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def block(self, **changed: Any) -> Qubole:
        return Qubole(**{"token": TOKEN, "url": self.url, "poll": 0.01, "timeout": 60, **changed})


@pytest.fixture
def account() -> Iterator[Account]:
    with Account() as running:
        yield running


def test_a_query_s_rows_become_parquet(account: Account, tmp_path: Path) -> None:
    text = "0012\t9.90\t2026-12-01\t3\r\n7\t\\N\t\\N\t\\N\r\n"
    account.results = {"inline": True, "results": text}
    block = account.block(cluster="spark-large")
    done = block.export("select *", tmp_path / "q.parquet", schema=SCHEMA, name="prices")
    rows = pl.read_parquet(tmp_path / "q.parquet")
    assert done.rows == 2
    assert rows["sku"].to_list() == ["0012", "7"]
    assert rows["price"].to_list() == [Decimal("9.90"), None]
    (asked,) = account.commands.values()
    assert {asked["command_type"], asked["query"], asked["label"], asked["name"]} == {
        "HiveCommand", "select *", "spark-large", "prices"
    }  # fmt: skip


def test_large_results_are_read_from_s3(
    account: Account, aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": REGION,
    }.items():
        monkeypatch.setenv(name, value)
    S3FileSystem.clear_instance_cache()
    s3 = aws.bucket("qubole-results")
    for number in range(3):
        row = "\x01".join([str(number), "1.00", "2026-12-01", "5"])
        s3.put_object(Bucket="qubole-results", Key=f"tmp/1/00000{number}", Body=f"{row}\n")
    account.results = {"inline": False, "result_location": ["s3://qubole-results/tmp/1"]}
    account.block().export("select *", tmp_path / "q.parquet", schema=SCHEMA)
    assert pl.read_parquet(tmp_path / "q.parquet")["sku"].to_list() == ["0", "1", "2"]
    S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("PrestoCommand", {"query": "q"}),
        ("SparkCommand", {"program": "q", "language": "sql"}),
        ("ShellCommand", {"inline": "q"}),
    ],
)
def test_each_kind_of_command_has_its_fields(
    account: Account, kind: Any, fields: dict[str, str]
) -> None:
    done = account.block().run("q", kind=kind)
    sent = account.commands[done.command_id]
    assert {name: sent[name] for name in fields} == fields
    assert sent["command_type"] == kind


def test_a_command_that_fails_shows_the_end_of_its_log(account: Account, tmp_path: Path) -> None:
    account.ends = "error"
    with pytest.raises(Refused, match="SemanticException: no table prices") as caught:
        account.block().export("select *", tmp_path / "q.parquet", schema=SCHEMA)
    assert TOKEN not in str(caught.value)
    assert str(caught.value).count("noise") < 40
    assert list(tmp_path.iterdir()) == []


def test_rows_that_are_not_as_declared_are_refused(account: Account, tmp_path: Path) -> None:
    account.results = {"inline": True, "results": "1\t2\n"}
    with pytest.raises(Refused, match="row 1 has 2 columns, 4 are declared"):
        account.block().export("select *", tmp_path / "q.parquet", schema=SCHEMA)
    account.results = {"inline": True, "results": "1\tmuch\t2026-12-01\t1\n"}
    with pytest.raises(Refused, match="column price does not fit"):
        account.block().export("select *", tmp_path / "q.parquet", schema=SCHEMA)
    assert list(tmp_path.iterdir()) == []


def test_a_look_that_fails_once_does_not_end_the_command(account: Account) -> None:
    account.blind = 2
    assert account.block().run("select 1").command_id == 1000
    assert account.blind == 0
    assert [one["status"] for one in account.commands.values()] == ["done"]


def test_a_cancelled_run_kills_its_command(account: Account) -> None:
    account.ends = None
    raised: list[BaseException] = []

    def run() -> None:
        try:
            account.block().run("select 1")
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: any("Qubole" in what for what in stop_all()), PATIENCE, "not stopped")
    thread.join(PATIENCE)
    assert isinstance(raised[0], Interrupted)
    assert [one["status"] for one in account.commands.values()] == ["cancelled"]


def test_a_command_beyond_its_limit_is_killed(account: Account) -> None:
    account.ends = None
    with pytest.raises(Unreachable, match=r"within 0\.1 s"):
        account.block(time_limit=0.1).run("select 1")
    assert [one["status"] for one in account.commands.values()] == ["cancelled"]


def test_a_wrong_token_is_refused_and_not_shown(account: Account) -> None:
    wrong = "wrong-but-secret-all-the-same"
    block = account.block(token=wrong)
    with pytest.raises(Refused, match="answered 401") as caught:
        block.run("select 1")
    assert wrong not in f"{caught.value}{caught.value!r}{block!r}"
    access = block.check()
    assert (access.reachable, access.permitted) == (True, False)
    assert account.block().check()


def test_a_busy_account_is_asked_again_later(account: Account) -> None:
    account.fault = (429, {"Retry-After": "9"})
    with pytest.raises(Unreachable) as caught:
        account.block().run("select 1")
    assert (classify(caught.value), retry_after(caught.value)) == ("transient", 9.0)
    away = account.block(url=f"http://127.0.0.1:{free_port()}")
    assert away.check().reachable is False
