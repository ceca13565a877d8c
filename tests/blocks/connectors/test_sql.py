"""SQL databases: what is read, loaded, refused, cut and stopped, on real servers."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from blocks.connectors import Interrupted, Refused, Unreachable
from blocks.connectors.errors import ConnectorError
from blocks.connectors.running import stop_all
from sdk.errors import classify
from sdk.testing.processes import free_port, wait_until

from .conftest import PASSWORD, Server

PATIENCE = 120.0


@pytest.fixture
def table(database: Server) -> Iterator[str]:
    """An empty table of prices, unique by shop and sku."""
    name = f"prices_{uuid.uuid4().hex[:8]}"
    database.block().execute(
        f"create table {name} (shop varchar(20) not null, sku varchar(20) not null,"
        " price decimal(10,2), seen date, note varchar(200), stock int not null default 0,"
        " primary key (shop, sku))"
    )
    yield name
    database.block().execute(f"drop table if exists {name}")


def offers(*rows: tuple[str, str, str | None]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "shop": [row[0] for row in rows],
            "sku": [row[1] for row in rows],
            "price": [None if row[2] is None else Decimal(row[2]) for row in rows],
            "seen": [date(2026, 12, 1)] * len(rows),
        },
        schema={
            "shop": pl.String,
            "sku": pl.String,
            "price": pl.Decimal(10, 2),
            "seen": pl.Date,
        },
    )


def test_rows_come_back_as_they_were_loaded(database: Server, table: str, tmp_path: Path) -> None:
    block = database.block()
    rows = offers(("a", "1", "9.99"), ("a", "2", None), ("ß€", '"quo"\\te\t', "0.01"))
    assert block.write(table, rows) == 3
    done = block.export(f"select shop, sku, price, seen from {table} order by shop, sku",
                        tmp_path / "out.parquet")  # fmt: skip
    assert done.rows == 3
    assert done.bytes == (tmp_path / "out.parquet").stat().st_size
    read = pl.read_parquet(tmp_path / "out.parquet")
    assert read.schema["price"] == pl.Decimal(38, 2)
    assert (
        read.cast({"price": pl.Decimal(10, 2)}).sort("shop", "sku").equals(rows.sort("shop", "sku"))
    )


def test_every_common_type_has_its_arrow_type(database: Server, tmp_path: Path) -> None:
    if database.dialect == "postgresql":
        query = (
            "select true as b, 1::smallint as i2, 2::bigint as i8, 1.5::real as f4, 2.5 as n,"
            " 'x'::text as t, '\\x00ff'::bytea as y, date '2026-12-01' as d,"
            " timestamptz '2026-12-01 10:00:00+02' as z, '{\"a\": 1}'::jsonb as j,"
            " array['p','q'] as l, null::int as nothing, interval '1 day' as odd"
        )
    else:
        query = (
            "select cast(1 as signed) as i8, cast(1.5 as double) as f8, cast(2.5 as decimal(8,2))"
            " as n, 'x' as t, x'00ff' as y, date '2026-12-01' as d,"
            " timestamp '2026-12-01 10:00:00' as ts, cast(null as char) as nothing"
        )
    database.block().export(query, tmp_path / "types.parquet")
    row = pl.read_parquet(tmp_path / "types.parquet").to_dicts()[0]
    assert row["d"] == date(2026, 12, 1)
    assert row["y"] == b"\x00\xff"
    assert row["n"] == Decimal("2.5")
    assert row["nothing"] is None
    assert row["t"] == "x"
    if database.dialect == "postgresql":
        assert row["z"] == datetime(2026, 12, 1, 8, tzinfo=UTC)
        assert row["j"] == '{"a": 1}'
        assert row["l"] == ["p", "q"]
        assert (row["b"], row["i2"], row["i8"], row["f4"]) == (True, 1, 2, 1.5)
        assert row["odd"] == "1 day, 0:00:00"
    else:
        assert (row["i8"], row["f8"], row["ts"]) == (1, 1.5, datetime(2026, 12, 1, 10))


def test_parameters_are_values_never_text(database: Server, table: str, tmp_path: Path) -> None:
    block = database.block()
    block.write(table, offers(("a", "1", "1.00"), ("b", "1", "2.00")))
    evil = "a' or '1' = '1"
    done = block.export(f"select * from {table} where shop = :shop", tmp_path / "none.parquet",
                        parameters={"shop": evil})  # fmt: skip
    assert done.rows == 0
    assert pl.read_parquet(tmp_path / "none.parquet").columns[:2] == ["shop", "sku"]


def test_names_are_quoted_whatever_is_in_them(database: Server, tmp_path: Path) -> None:
    block, quote = database.block(), '"' if database.dialect == "postgresql" else "`"
    name, odd = f"odd {uuid.uuid4().hex[:6]}", "a:b; drop"
    with block.connected() as (_, connection), connection.begin():
        connection.exec_driver_sql(
            f"create table {quote}{name}{quote}"
            f" ({quote}{odd}{quote} varchar(9) primary key, select_ int)"
        )
    rows = pl.DataFrame({odd: ["x", "y"], "select_": [1, 2]})
    for how in ("replace", "upsert"):
        block.write(name, rows, how=how, keys=[odd], where={odd: "x"} if how == "replace" else None)
    block.write(name, rows[:1], how="replace", where={odd: "x"})
    block.export_table(name, tmp_path / "odd.parquet", columns=[odd], where={odd: "y"})
    assert pl.read_parquet(tmp_path / "odd.parquet").to_dicts() == [{odd: "y"}]
    with block.connected() as (_, connection), connection.begin():
        connection.exec_driver_sql(f"drop table {quote}{name}{quote}")


def test_rows_come_in_batches(database: Server, table: str, tmp_path: Path) -> None:
    block = database.block()
    block.write(table, offers(*[("a", str(n), "1.00") for n in range(1050)]))
    block.export(f"select * from {table}", tmp_path / "many.parquet", batch=100)
    file = pq.ParquetFile(tmp_path / "many.parquet")
    assert file.num_row_groups == 11
    assert max(file.metadata.row_group(n).num_rows for n in range(11)) == 100
    assert sum(one.num_rows for one in block.batches(f"select * from {table}")) == 1050


def test_a_parquet_file_is_loaded_in_batches(database: Server, table: str, tmp_path: Path) -> None:
    offers(*[("a", str(n), "1.00") for n in range(300)]).write_parquet(
        tmp_path / "in.parquet", row_group_size=50
    )
    assert database.block().write(table, tmp_path / "in.parquet") == 300
    assert database.one(f"select count(*) from {table}") == "300"


def test_a_day_loaded_twice_is_there_once(database: Server, table: str) -> None:
    block = database.block()
    block.write(table, offers(("other", "1", "5.00")))
    for price in ("1.00", "2.00"):
        block.write(table, offers(("a", "1", price)), how="replace", where={"shop": "a"})
    assert database.one(f"select price from {table} where shop = 'a'") == "2.00"
    assert database.one(f"select count(*) from {table}") == "2"


def test_an_upsert_changes_what_is_there_and_keeps_the_rest(database: Server, table: str) -> None:
    block = database.block()
    block.execute(
        f"insert into {table} (shop, sku, price, note, stock) values ('a', '1', 1, 'kept', 7)"
    )
    block.write(
        table, offers(("a", "1", "3.00"), ("a", "2", "4.00")), how="upsert", keys=["shop", "sku"]
    )
    found = database.run(f"select sku, price, note, stock from {table} order by sku")
    assert list(map(str, found[0])) == ["1", "3.00", "kept", "7"]
    assert len(found) == 2


def test_an_upsert_by_what_is_not_unique_is_refused(database: Server, table: str) -> None:
    with pytest.raises(Refused, match="not unique by sku") as caught:
        database.block().write(table, offers(("a", "1", "1.00")), how="upsert", keys=["sku"])
    assert "shop, sku" in caught.value.action


def test_a_load_that_fails_leaves_the_table_as_it_was(database: Server, table: str) -> None:
    block = database.block()
    block.write(table, offers(("a", "1", "1.00")))
    twice = offers(("b", "1", "1.00"), ("b", "1", "2.00"))
    with pytest.raises(Refused):
        block.write(table, twice, how="replace")
    assert database.one(f"select count(*) from {table} where shop = 'a'") == "1"
    assert database.one(f"select count(*) from {table}") == "1"


def test_a_table_that_is_gone_is_named(database: Server, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no such table") as caught:
        database.block().export("select * from nowhere_to_be_found", tmp_path / "x.parquet")
    assert classify(caught.value) == "permanent"
    with pytest.raises(Refused, match="no table nowhere_to_be_found"):
        database.block().write("nowhere_to_be_found", offers(("a", "1", "1.00")))
    assert list(tmp_path.iterdir()) == []


def test_a_column_that_is_not_there_is_named(database: Server, table: str) -> None:
    with pytest.raises(Refused, match="has no column surprise"):
        database.block().write(table, pl.DataFrame({"shop": ["a"], "surprise": [1]}))
    with pytest.raises(Refused, match="has a percent sign"):
        database.block().write(table, pl.DataFrame({"shop": ["a"], "off %": [1]}))


def test_a_wrong_password_is_refused_and_never_shown(database: Server) -> None:
    wrong = "wrong-but-secret-all-the-same"
    block = database.block(password=wrong)
    with pytest.raises(Refused, match="lets") as caught:
        block.execute("select 1")
    shown = f"{caught.value}{caught.value!r}{block!r}{block}"
    assert wrong not in shown
    access = block.check()
    assert (access.reachable, access.permitted) == (True, False)
    assert wrong not in access.reason
    assert not access


def test_a_database_that_does_not_answer_is_asked_again_later(database: Server) -> None:
    block = database.block(port=free_port(), timeout=5)
    with pytest.raises(Unreachable) as caught:
        block.execute("select 1")
    assert classify(caught.value) == "transient"
    assert PASSWORD not in str(caught.value)
    assert block.check().reachable is False


def test_a_missing_right_is_refused(database: Server, tmp_path: Path) -> None:
    forbidden = "pg_authid" if database.dialect == "postgresql" else "mysql.global_priv"
    with pytest.raises(Refused, match="does not permit"):
        database.block().export(f"select * from {forbidden}", tmp_path / "x.parquet")


def test_the_check_says_what_it_did(database: Server) -> None:
    access = database.block().check()
    assert access
    assert "connected" in access.reason
    assert PASSWORD not in access.reason


def test_a_statement_beyond_its_limit_is_ended_over_there(database: Server, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="within 1 s"):
        database.block(time_limit=1).export(_slow(database), tmp_path / "x.parquet")
    _nothing_sleeps(database)


def test_a_cancelled_run_stops_its_statement(database: Server, tmp_path: Path) -> None:
    raised: list[BaseException] = []

    def read() -> None:
        try:
            database.block().export(_slow(database), tmp_path / "x.parquet")
        except BaseException as error:
            raised.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    wait_until(lambda: _sleeping(database) == 1, PATIENCE, "the statement does not run")
    assert any(database.dialect in what for what in stop_all())
    reader.join(PATIENCE)
    assert isinstance(raised[0], Interrupted)
    _nothing_sleeps(database)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_cut_in_the_middle_publishes_nothing(
    database: Server, table: str, tmp_path: Path
) -> None:
    database.block().write(
        table,
        offers(*[("a", str(n), "1.00") for n in range(20_000)]).with_columns(
            note=pl.lit("x" * 150)
        ),
    )
    with _Cut(database.port) as cut, pytest.raises(ConnectorError) as caught:
        block = database.block(port=cut.port, timeout=20)
        for _ in _exported(block, f"select * from {table}", tmp_path / "cut.parquet"):
            pass
    assert isinstance(caught.value, Unreachable), caught.value
    assert list(tmp_path.iterdir()) == []


def _exported(block: Any, query: str, to: Path) -> Iterator[None]:
    block.export(query, to, batch=100)
    yield


def test_memory_does_not_grow_with_the_table(database: Server, tmp_path: Path) -> None:
    # 96 MB of rows; in a process of its own, since the peak of a process never falls.
    if database.dialect == "postgresql":
        query = "select n, repeat(md5(n::text), 50) as text from generate_series(1, {}) n"
    else:
        query = "select seq, repeat(md5(seq), 50) as text from seq_1_to_{}"
    code = f"""
import resource
from pathlib import Path
from blocks.connectors import SqlDatabase
block = SqlDatabase(dialect={database.dialect!r}, host="127.0.0.1", port={database.port},
                    database="shop", user="loader", password={PASSWORD!r}, tls="disable")
to, query = Path({str(tmp_path / "big.parquet")!r}), {query!r}
block.export(query.format(2000), to, batch=1000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
done = block.export(query.format(60000), to, batch=1000)
print(done.rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=250,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    rows, grown_kib = map(int, ended.stdout.split())
    assert rows == 60_000
    assert grown_kib < 50_000


def _slow(server: Server) -> str:
    return "select pg_sleep(600)" if server.dialect == "postgresql" else "select sleep(600)"


def _sleeping(server: Server) -> int:
    if server.dialect == "postgresql":
        sql = (
            "select count(*) from pg_stat_activity"
            " where usename = 'loader' and wait_event = 'PgSleep'"
        )
    else:
        sql = "select count(*) from information_schema.processlist where info like 'select sleep%'"
    return int(server.one(sql))


def _nothing_sleeps(server: Server) -> None:
    wait_until(lambda: _sleeping(server) == 0, PATIENCE, "the statement still runs over there")


class _Cut:
    """A way to a server that breaks off after 200 kB of answers."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._open: list[socket.socket] = []

    def __enter__(self) -> _Cut:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            threading.Thread(target=self._pass, args=(client, server, None), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, 200_000), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket, limit: int | None) -> None:
        passed = 0
        try:
            while data := one.recv(65536):
                passed += len(data)
                if limit is not None and passed > limit:
                    break
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                time.sleep(0)
