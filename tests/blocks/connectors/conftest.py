"""The systems that connectors speak to, each started once for a file of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from blocks.connectors import SqlDatabase
from sdk.testing import mariadb, postgres
from sdk.testing.mariadb import MariaDb
from sdk.testing.postgres import Postgres

PASSWORD = "hunter2-is-a-seeded-secret"


@dataclass
class Server:
    """A database server with an account ``loader`` that has a password."""

    dialect: str
    port: int
    run: Callable[[str], list[list[Any]]]

    def block(self, **changed: Any) -> SqlDatabase:
        given = {
            "dialect": self.dialect,
            "host": "127.0.0.1",
            "port": self.port,
            "database": "shop",
            "user": "loader",
            "password": PASSWORD,
            "tls": "disable",
            "timeout": 60,
            "time_limit": 300,
        }
        return SqlDatabase(**{**given, **changed})

    def one(self, sql: str) -> str:
        rows = self.run(sql)
        return str(rows[0][0]) if rows else ""


def _postgres() -> Iterator[Server]:
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with Postgres("shop") as server:
        rules = Path(server.execute("show hba_file"))
        rule = "host all loader 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(rule + rules.read_text())
        server.execute(f"create role loader login password '{PASSWORD}'")
        server.execute("grant create, usage on schema public to loader")
        server.execute("select pg_reload_conf()")
        yield Server(
            "postgresql",
            server.port,
            lambda sql: [line.split("|") for line in server.execute(sql).splitlines()],
        )


def _mariadb() -> Iterator[Server]:
    if not mariadb.installed():
        pytest.skip("MariaDB is not installed")
    with MariaDb("shop") as server:
        server.execute(
            f"create user loader@'127.0.0.1' identified by '{PASSWORD}'",
            "grant select, insert, update, delete, create, drop on shop.* to loader@'127.0.0.1'",
        )
        yield Server("mysql", server.port, lambda sql: [list(row) for row in server.execute(sql)])


@pytest.fixture(scope="module", params=["postgresql", "mariadb"])
def database(request: pytest.FixtureRequest) -> Iterator[Server]:
    yield from {"postgresql": _postgres, "mariadb": _mariadb}[request.param]()
