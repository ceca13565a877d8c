"""A customer's flow that takes a table in and puts a table out, on a real database."""

from __future__ import annotations

import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from blocks.connectors import ConnectorError, SqlDatabase
from flows.connecting import connector, read_query, read_table, write_table
from sdk import ConfigurationError, checks, flow
from sdk.policy import POLICIES
from sdk.testing import postgres
from sdk.testing.postgres import Postgres
from sdk.testing.processes import Process, wait_until

ROOT = Path(__file__).parents[3]
DAY = date(2026, 12, 1)
PASSWORD = "hunter2-is-a-seeded-secret"
PATIENCE = 200.0


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with Postgres("erp") as running:
        running.execute(
            "create table stock (shop text, sku text, day date, units int);"
            "insert into stock values ('a', '1', '2026-12-01', 3), ('a', '2', '2026-12-01', 0),"
            " ('a', '1', '2026-11-30', 9);"
            "create table seen (shop text, sku text, day date, units int)"
        )
        yield running


@pytest.fixture
def erp(server: Postgres) -> SqlDatabase:
    return SqlDatabase(
        dialect="postgresql",
        host="127.0.0.1",
        port=server.port,
        database="erp",
        user="prefect",
        password=PASSWORD,
        tls="disable",
    )


def test_a_table_goes_in_and_comes_out(server: Postgres, erp: SqlDatabase, store_url: str) -> None:
    @flow(customer="orchard")
    def stock_daily(day: date) -> Any:
        stock = read_table.with_options(checks=[checks.rows(1)])(
            erp, "stock", dataset="stock", where={"day": day}
        )
        empty = read_query(erp, "select * from stock where units = :n", "empty", {"n": 0})
        written = write_table(erp, "seen", stock, where={"day": day})
        return stock, empty, written

    stock, empty, written = stock_daily(DAY)
    assert (stock.customer, stock.name, stock.rows, written) == ("orchard", "stock", 2, 2)
    assert empty.frame()["sku"].to_list() == ["2"]
    assert stock.statistics["source"] == "postgresql://127.0.0.1/erp as prefect, stock"
    assert server.execute("select count(*) from seen") == "2"

    again, _, _ = stock_daily(DAY)
    assert again.version == 1, "nothing changed over there: the same version"
    assert server.execute("select count(*) from seen") == "2"

    server.execute("update stock set units = 4 where units = 3")
    changed, _, _ = stock_daily(DAY)
    assert changed.version == 2, "what was corrected over there is read again"
    for path in Path(store_url).rglob("*"):
        assert not path.is_file() or PASSWORD.encode() not in path.read_bytes(), path


def test_a_table_that_is_gone_fails_at_once(erp: SqlDatabase, store_url: str) -> None:
    @flow(customer="orchard")
    def stock_daily(day: date) -> Any:
        return read_table(erp, "gone", dataset="stock")

    with pytest.raises(ConnectorError, match="no such table"):
        stock_daily(DAY)


def test_steps_take_the_policy_that_their_connector_names() -> None:
    for step in (read_table, read_query, write_table):
        assert step.step is not None
        assert step.step.retry is POLICIES[SqlDatabase.policy]


def test_a_document_that_nobody_registered_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no block sql-database/nowhere"):
        connector(SqlDatabase, "nowhere")


def test_a_cancelled_flow_run_stops_its_query(server: Postgres, tmp_path: Path) -> None:
    # As Prefect's worker cancels: SIGTERM to the process of the run.
    code = tmp_path / "cancelled.py"
    code.write_text(
        textwrap.dedent(
            f"""
            from blocks.connectors import SqlDatabase
            from flows.connecting import read_query
            from sdk import flow

            erp = SqlDatabase(dialect="postgresql", host="127.0.0.1", port={server.port},
                              database="erp", user="prefect", tls="disable")

            @flow(customer="orchard")
            def waits():
                return read_query(erp, "select pg_sleep(3600)")

            if __name__ == "__main__":
                waits()
            """
        )
    )
    environ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(tmp_path / "home"),
        "DATAWEAVE_STORAGE": str(tmp_path / "store"),
    }
    asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep'"
    process = Process([sys.executable, str(code)], tmp_path / "log", environ)
    try:
        wait_until(lambda: server.execute(asleep) == "1", PATIENCE, "it does not run", process)
        process.send(signal.SIGTERM)
        process.wait(PATIENCE)
        wait_until(lambda: server.execute(asleep) == "0", PATIENCE, "the query goes on")
    finally:
        process.stop()
    assert "so it was stopped" in process.story, process.story
