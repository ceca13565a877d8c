"""What differs between PostgreSQL (psycopg) and MySQL or MariaDB (pymysql).

Each dialect is one object: how it connects, which Arrow types its columns have, how a running
statement is stopped, and how rows are loaded. What is the same is in `database`, `reading` and
`loading`.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pyarrow as pa

from blocks.connectors.base import library

TLS = ("disable", "prefer", "require", "verify-full")
WIDEST = 38
"""Digits of an Arrow decimal that every reader takes."""
LOOSE = pa.decimal128(WIDEST, 9)
"""For PostgreSQL's numeric without a scale: exact for nine decimals, refused beyond."""
BINARY = 63
"""The number of MySQL's character set of bytes that are no text."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect or be answered, and for a statement."""

    timeout: float
    time_limit: float


class Dialect(Protocol):
    """What `database`, `reading` and `loading` need to know of a dialect."""

    driver: str
    port: int

    def connect_args(self, tls: str, limits: Limits) -> dict[str, Any]:
        """Return what the driver is given beside address and credentials."""

    def limit(self, connection: Any, seconds: float) -> None:
        """Have the server end statements of this connection after so many seconds."""

    def schema(self, cursor: Any) -> Any:
        """Return the Arrow schema of a cursor's result."""

    def stopper(self, engine: Any, driver_connection: Any) -> Any:
        """Return a function that stops what runs on a connection, from another thread."""

    def abandon(self, cursor: Any) -> None:
        """Let go of a cursor whose rows will not be read."""

    def insert(
        self, connection: Any, table: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]
    ) -> None:
        """Append rows, on the connection's transaction."""

    def upsert(
        self,
        connection: Any,
        table: str,
        columns: Sequence[str],
        rows: Iterator[Sequence[Any]],
        keys: Sequence[str],
    ) -> None:
        """Append rows, or change those that have their keys; on the connection's transaction."""


class PostgreSql:
    """PostgreSQL, through psycopg: COPY in, named cursors out."""

    driver = "postgresql+psycopg"
    port = 5432

    def connect_args(self, tls: str, limits: Limits) -> dict[str, Any]:
        """Return what the driver is given beside address and credentials."""
        library("psycopg")
        return {
            "sslmode": tls,
            "connect_timeout": max(2, round(limits.timeout)),
            "application_name": "dataweave",
            # A peer that is gone without a word is noticed in a minute, not in two hours.
            "keepalives_idle": 20,
            "keepalives_interval": 10,
            "keepalives_count": 3,
        }

    def limit(self, connection: Any, seconds: float) -> None:
        """Have the server end statements of this connection after so many seconds."""
        connection.exec_driver_sql(f"set statement_timeout = {max(1, round(seconds * 1000))}")

    def schema(self, cursor: Any) -> Any:
        """Return the Arrow schema of a cursor's result."""
        return pa.schema(
            [
                pa.field(str(column.name), _postgres_type(column.type_code, column.scale))
                for column in cursor.description
            ]
        )

    def stopper(self, engine: Any, driver_connection: Any) -> Any:
        """Return a function that stops what runs on a connection, from another thread."""
        return lambda: driver_connection.cancel_safe(timeout=5)

    def abandon(self, cursor: Any) -> None:
        """Let go of a cursor whose rows will not be read."""
        with contextlib.suppress(Exception):
            cursor.close()

    def insert(
        self, connection: Any, table: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]
    ) -> None:
        """Append rows by COPY."""
        named = ", ".join(columns)
        with (
            connection.connection.driver_connection.cursor() as cursor,
            cursor.copy(f"copy {table} ({named}) from stdin") as copy,
        ):
            for row in rows:
                copy.write_row([_nested(value) for value in row])

    def upsert(
        self,
        connection: Any,
        table: str,
        columns: Sequence[str],
        rows: Iterator[Sequence[Any]],
        keys: Sequence[str],
    ) -> None:
        """COPY beside the table, then insert from there."""
        named = ", ".join(columns)
        # Of the named columns alone: those left out may be "not null" there.
        connection.exec_driver_sql(
            f"create temporary table dataweave_incoming on commit drop as"  # noqa: S608
            f" select {named} from {table} where false"
        )
        self.insert(connection, "dataweave_incoming", columns, rows)
        others = [name for name in columns if name not in keys]
        then = ", ".join(f"{name} = excluded.{name}" for name in others)
        connection.exec_driver_sql(
            f"insert into {table} ({named}) select {named} from dataweave_incoming"  # noqa: S608
            f" on conflict ({', '.join(keys)}) do {f'update set {then}' if then else 'nothing'}"
        )


class MySql:
    """MySQL and MariaDB, through pymysql: unbuffered cursors out, multi-row inserts in."""

    driver = "mysql+pymysql"
    port = 3306

    def connect_args(self, tls: str, limits: Limits) -> dict[str, Any]:
        """Return what the driver is given beside address and credentials."""
        library("pymysql")
        arguments: dict[str, Any] = {
            "charset": "utf8mb4",
            "connect_timeout": max(2, round(limits.timeout)),
            # The server says nothing while a statement runs, and ends it by itself at its limit.
            "read_timeout": round(limits.time_limit) + 30,
            "write_timeout": round(limits.time_limit) + 30,
        }
        if tls == "disable":
            arguments["ssl_disabled"] = True
        elif tls != "prefer":
            import ssl

            context = ssl.create_default_context()
            if tls == "require":
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            arguments["ssl"] = context
        return arguments

    def limit(self, connection: Any, seconds: float) -> None:
        """Have the server end statements of this connection after so many seconds."""
        version = str(connection.exec_driver_sql("select version()").scalar())
        if "mariadb" in version.lower():
            connection.exec_driver_sql(f"set session max_statement_time = {seconds:g}")
        else:
            connection.exec_driver_sql(
                f"set session max_execution_time = {max(1, round(seconds * 1000))}"
            )

    def schema(self, cursor: Any) -> Any:
        """Return the Arrow schema of a cursor's result."""
        fields = cursor._result.fields  # the only place that tells text from bytes
        return pa.schema(
            [
                pa.field(str(column[0]), _mysql_type(column, bytes_=field.charsetnr == BINARY))
                for column, field in zip(cursor.description, fields, strict=True)
            ]
        )

    def stopper(self, engine: Any, driver_connection: Any) -> Any:
        """Return a function that stops what runs on a connection, from another thread."""
        number = int(driver_connection.thread_id())

        def stop() -> None:
            with engine.connect() as other:
                other.exec_driver_sql(f"kill query {number}")

        return stop

    def abandon(self, cursor: Any) -> None:
        """Let go of a cursor whose rows will not be read."""
        # Closing it would read all of them first, however many, even from a dead connection.
        cursor._result.unbuffered_active = False

    def insert(
        self, connection: Any, table: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]
    ) -> None:
        """Append rows, many to a statement."""
        self._insert(connection, table, columns, rows, "")

    def upsert(
        self,
        connection: Any,
        table: str,
        columns: Sequence[str],
        rows: Iterator[Sequence[Any]],
        keys: Sequence[str],
    ) -> None:
        """Append rows, or change those that have their keys."""
        others = [name for name in columns if name not in keys] or [keys[0]]
        then = ", ".join(f"{name} = values({name})" for name in others)
        self._insert(connection, table, columns, rows, f" on duplicate key update {then}")

    def _insert(
        self,
        connection: Any,
        table: str,
        columns: Sequence[str],
        rows: Iterator[Sequence[Any]],
        then: str,
    ) -> None:
        from blocks.connectors.parquet import in_batches

        named, marks = ", ".join(columns), ", ".join(["%s"] * len(columns))
        statement = f"insert into {table} ({named}) values ({marks}){then}"  # noqa: S608
        with connection.connection.driver_connection.cursor() as cursor:
            for batch in in_batches(([_nested(value) for value in row] for row in rows), 5_000):
                cursor.executemany(statement, batch)


DIALECTS: Mapping[str, Dialect] = {"postgresql": PostgreSql(), "mysql": MySql()}


def _nested(value: Any) -> Any:
    """Return a struct as JSON, which is what both databases keep such things in."""
    return json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict) else value


_POSTGRES = {
    16: pa.bool_(),
    17: pa.binary(),
    20: pa.int64(),
    21: pa.int16(),
    23: pa.int32(),
    26: pa.int64(),
    700: pa.float32(),
    701: pa.float64(),
    1082: pa.date32(),
    1083: pa.time64("us"),
    1114: pa.timestamp("us"),
    1184: pa.timestamp("us", "UTC"),
    1000: pa.list_(pa.bool_()),
    1005: pa.list_(pa.int16()),
    1007: pa.list_(pa.int32()),
    1009: pa.list_(pa.string()),
    1015: pa.list_(pa.string()),
    1016: pa.list_(pa.int64()),
    1022: pa.list_(pa.float64()),
}
"""PostgreSQL's own numbers of types (pg_type.oid); any other type is read as text."""


def _postgres_type(code: int, scale: int | None) -> Any:
    if code == 1700:
        return LOOSE if scale is None else pa.decimal128(WIDEST, scale)
    return _POSTGRES.get(code, pa.string())


_MYSQL = {
    1: pa.int16(),  # tinyint, perhaps unsigned: so the next wider ones
    2: pa.int32(),
    3: pa.int64(),
    8: pa.int64(),
    9: pa.int32(),
    4: pa.float32(),
    5: pa.float64(),
    7: pa.timestamp("us"),
    10: pa.date32(),
    11: pa.duration("us"),
    12: pa.timestamp("us"),
    13: pa.int16(),
    16: pa.binary(),
}
"""MySQL's numbers of column types (protocol::ColumnType)."""


def _mysql_type(column: Sequence[Any], *, bytes_: bool) -> Any:
    code, scale = column[1], column[5]
    if code in (0, 246):
        return pa.decimal128(WIDEST, scale or 0)
    if code in _MYSQL:
        return _MYSQL[code]
    # JSON (245) says that it is bytes, and is text.
    return pa.binary() if bytes_ and code != 245 else pa.string()
