"""A PostgreSQL of the test's own, from Debian's packages or whatever is on the path.

In a folder of its own, on loopback, on a free port. PostgreSQL refuses to run as root: then the
account ``postgres`` of the packages, or ``nobody``, runs it, and the folder is that account's.
Nothing is synced to disk: a test's database need not outlive the machine, and does outlive a
SIGKILL, since what was written is in the kernel's hands.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from sdk.testing.processes import Process, free_port, wait_until

__all__ = ["Postgres", "programs"]

START = 60.0
"""Seconds that it may take to answer: one or two on an idle machine, more after a crash."""
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "200",
}


def programs() -> Path | None:
    """Return the folder of PostgreSQL's programs; None if it is not installed."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[4]))
    if debian:
        return debian[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


class Postgres:
    """A server with one database; a context manager.

    Args:
        database: name of the database, which is also made.

    Attributes:
        port: on loopback; the same after a restart.
    """

    def __init__(self, database: str = "prefect") -> None:
        found = programs()
        if found is None:
            raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")
        self._programs, self.database = found, database
        self.port = free_port()
        self._user = _account()
        # Not below the test's own folder, which other accounts cannot enter.
        self._folder = Path(tempfile.mkdtemp(prefix="dataweave-postgres-"))
        self._process: Process | None = None

    @property
    def url(self) -> str:
        """The address for Prefect's server."""
        return f"postgresql+asyncpg://prefect@127.0.0.1:{self.port}/{self.database}"

    @property
    def pid(self) -> int:
        """The process id of its parent process."""
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether its parent process is there."""
        return self._process is not None and self._process.exit_code is None

    def __enter__(self) -> Postgres:
        if self._user is not None:
            shutil.chown(self._folder, self._user, self._user)
        self._run("initdb", "-D", "data", "-U", "prefect", "-A", "trust", "-E", "UTF8",
                  "--locale=C", "--no-sync")  # fmt: skip
        self.start()
        if self.database != "postgres":
            self._run("createdb", *self._address(), self.database)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        """Start it; return when it answers."""
        options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._process = Process(
            [str(self._programs / "postgres"), "-D", "data", "-h", "127.0.0.1",
             "-p", str(self.port), "-k", "", *options],
            self._folder / "postgres.log",
            os.environ,
            cwd=self._folder,
            user=self._user,
        )  # fmt: skip
        wait_until(self._answers, START, "PostgreSQL does not start", self._process)

    def stop(self) -> None:
        """Stop it in good order; connections are closed."""
        if self._process is not None:
            self._process.stop(how=signal.SIGINT)

    def kill(self) -> None:
        """Kill its parent process: what a lost machine looks like to its clients."""
        assert self._process is not None
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        self._process.kill()
        # They notice and end; before that a new parent would refuse to start.
        wait_until(
            lambda: not any(Path(f"/proc/{child}").exists() for child in children),
            START,
            "PostgreSQL's processes outlive their parent",
        )

    def execute(self, sql: str) -> str:
        """Return what psql prints for some SQL, unadorned."""
        return self._run("psql", *self._address(), "-d", self.database, "-qAtc", sql).strip()

    def _address(self) -> list[str]:
        return ["-h", "127.0.0.1", "-p", str(self.port), "-U", "prefect"]

    def _answers(self) -> bool:
        asked = [str(self._programs / "pg_isready"), "-q", *self._address()]
        return subprocess.run(asked, check=False).returncode == 0  # noqa: S603

    def _run(self, program: str, *arguments: str) -> str:
        found = subprocess.run(  # noqa: S603
            [str(self._programs / program), *arguments],
            cwd=self._folder,
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        if found.returncode:
            raise RuntimeError(f"{program} failed: {found.stderr.strip()}")
        return found.stdout


def _account() -> str | None:
    """Return whose rights it runs with; None for ours, which do where we are not root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"
