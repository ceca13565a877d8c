"""What is forgotten: rows of a real server's database in batches, log files by their age."""

from __future__ import annotations

import gzip
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from flows.operations.retention.flow import archive_logs, retention
from flows.operations.retention.plan import rules
from sdk import ConfigurationError
from sdk.testing.platform import Platform, platform, prefect_api
from sdk.testing.postgres import Postgres
from sdk.testing.server import PrefectServer

__all__ = ["platform", "prefect_api"]

DAY = 86400


@pytest.mark.timeout(900)
def test_old_rows_are_deleted_in_batches_and_new_ones_stay(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Postgres() as database:
        server = PrefectServer(tmp_path, database.url)
        try:
            server.start()
            runs = [_run(server.api_url, ended=number != 3) for number in range(4)]
            # The first two and the last are old; the last has not ended.
            for run in (runs[0], runs[1], runs[3]):
                database.execute(
                    f"update flow_run set created = now() - interval '100 days' where id = '{run}'"
                )
            database.execute("update log set timestamp = now() - interval '20 days' "
                             f"where flow_run_id = '{runs[0]}'")  # fmt: skip
            database.execute("update events set occurred = now() - interval '8 days' "
                             f"where resource_id = 'prefect.flow-run.{runs[0]}'")  # fmt: skip
            monkeypatch.setenv("DATAWEAVE_DATABASE_URL", database.url)
            ran = platform.run(retention, batch=2)
            assert ran.error is None
            deleted = ran.value
            assert (deleted["flow_run"], deleted["log"]) == (2, 5)
            kept = set(database.execute("select id from flow_run").split())
            assert kept == {runs[2], runs[3]}
            # Nothing refers to what is gone.
            orphans = ("select count(*) from flow_run_state s where not exists "
                       "(select 1 from flow_run r where r.id = s.flow_run_id)")  # fmt: skip
            assert database.execute(orphans) == "0"
            assert database.execute("select count(*) from log") == "15"
            vacuumed = "select vacuum_count > 0 from pg_stat_user_tables where relname = 'log'"
            end = time.monotonic() + 60
            while database.execute(vacuumed) != "t" and time.monotonic() < end:
                time.sleep(0.2)  # statistics are told a little later
            assert database.execute(vacuumed) == "t"
            again = platform.run(retention, batch=2)
            assert set(again.value.values()) == {0}
        finally:
            server.stop()


def _run(api: str, *, ended: bool) -> str:
    with httpx.Client(base_url=api, timeout=60) as client:
        flow = client.post("/flows/", json={"name": "old"}).json()["id"]
        run: str = client.post("/flow_runs/", json={"flow_id": flow}).json()["id"]
        for kind in ["RUNNING", *(["COMPLETED"] if ended else [])]:
            state = {"state": {"type": kind, "name": kind.title()}, "force": True}
            client.post(f"/flow_runs/{run}/set_state", json=state).raise_for_status()
        now = datetime.now(UTC).isoformat()
        lines = [{"name": "n", "level": 20, "message": str(number), "timestamp": now,
                  "flow_run_id": run} for number in range(5)]  # fmt: skip
        client.post("/logs/", json=lines).raise_for_status()
        return run


def test_retention_says_what_it_needs(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAWEAVE_DATABASE_URL", "sqlite+aiosqlite:///x.db")
    ran = platform.run(retention)
    assert isinstance(ran.error, ConfigurationError)
    assert "DATAWEAVE_DATABASE_URL" in str(ran.error)


def test_what_refers_to_a_run_goes_before_it() -> None:
    order = [rule.table for rule in rules(*[timedelta(days=1)] * 3)]
    assert order.index("log") < order.index("flow_run")
    assert order.index("task_run") < order.index("flow_run")
    assert order.index("event_resources") < order.index("events")


def test_logs_are_packed_after_a_week_and_kept_for_a_quarter(
    platform: Platform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAWEAVE_LOGS", str(tmp_path / "logs"))
    runs = tmp_path / "logs" / "application"
    runs.mkdir(parents=True)
    services = tmp_path / "logs" / "services"
    services.mkdir()
    for name, days in (("new", 1), ("week", 8), ("ancient", 200)):
        path = runs / f"{name}.log"
        path.write_text(f"{name} שלום\n")
        when = time.time() - days * DAY
        os.utime(path, (when, when))
    long = services / "server.log"
    with long.open("ab") as writer:
        writer.write(b"line\n" * 40_000)
        writer.flush()
        done = platform.run(archive_logs, largest_mb=0.1).value
        # Who writes goes on in the same file.
        writer.write(b"after\n")
    assert done == {"packed": 2, "deleted": 1, "begun anew": 1}
    assert [path.name for path in runs.iterdir()] == ["new.log"]
    archive = tmp_path / "logs" / "archive"
    [packed] = (archive / "application").iterdir()
    assert gzip.decompress(packed.read_bytes()).decode() == "week שלום\n"
    [cut] = (archive / "services").iterdir()
    assert gzip.decompress(cut.read_bytes()) == b"line\n" * 40_000
    assert long.read_bytes() == b"after\n"
    assert platform.run(archive_logs).value == {"packed": 0, "deleted": 0, "begun anew": 0}
