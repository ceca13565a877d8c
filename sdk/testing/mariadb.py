"""A MariaDB of the test's own, from Debian's packages or whatever is on the path.

In a folder of its own, on loopback, on a free port, with one database and the account ``root``
without a password. MariaDB refuses to run as root: then the account ``mysql`` of the packages, or
``nobody``, runs it.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from sdk.testing.processes import Process, free_port, wait_until

__all__ = ["MariaDb", "installed"]

START = 120.0
"""Seconds that it may take to answer: two or three on an idle machine."""


def installed() -> bool:
    """Whether the server and its installer are there."""
    return _found("mariadbd") is not None and _found("mariadb-install-db") is not None


class MariaDb:
    """A server with one database; a context manager.

    Args:
        database: name of the database, which is also made.

    Attributes:
        port: on loopback.
    """

    def __init__(self, database: str = "shop") -> None:
        if not installed():
            raise FileNotFoundError("MariaDB is not installed: apt-get install mariadb-server")
        self.database, self.port = database, free_port()
        self._user = _account()
        self._folder = Path(tempfile.mkdtemp(prefix="dataweave-mariadb-"))
        self._process: Process | None = None

    def __enter__(self) -> MariaDb:
        if self._user is not None:
            shutil.chown(self._folder, self._user, self._user)
        made = subprocess.run(  # noqa: S603
            [str(_found("mariadb-install-db")), "--no-defaults", f"--datadir={self._folder}/data",
             "--auth-root-authentication-method=normal", "--skip-test-db"],
            cwd=self._folder, user=self._user, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode:
            raise RuntimeError(f"mariadb-install-db failed: {made.stderr.strip()[-2000:]}")
        self._process = Process(
            [str(_found("mariadbd")), "--no-defaults", f"--datadir={self._folder}/data",
             f"--socket={self._folder}/socket", f"--pid-file={self._folder}/pid",
             "--bind-address=127.0.0.1", f"--port={self.port}", "--skip-log-bin",
             "--innodb-buffer-pool-size=32M", "--innodb-flush-log-at-trx-commit=0"],
            self._folder / "mariadb.log", os.environ, cwd=self._folder, user=self._user,
        )  # fmt: skip
        wait_until(self._answers, START, "MariaDB does not start", self._process)
        self.execute(f"create database {self.database} character set utf8mb4", database=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self._process.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def execute(self, *statements: str, database: str | None = "") -> list[Any]:
        """Carry out statements as root; return the rows of the last."""
        with self._connected(self.database if database == "" else database) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                rows = list(cursor.fetchall())
            connection.commit()
        return rows

    def _connected(self, database: str | None) -> Any:
        import pymysql

        return pymysql.connect(
            host="127.0.0.1", port=self.port, user="root", database=database, charset="utf8mb4"
        )

    def _answers(self) -> bool:
        import pymysql

        try:
            self._connected(None).close()
        except pymysql.err.OperationalError:
            return False
        return True


def _found(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/local/sbin")


def _account() -> str | None:
    """Return whose rights it runs with; None for ours, which do where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "mysql" if "mysql" in known else "nobody"
