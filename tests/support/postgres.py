"""A real PostgreSQL: a server of its own in a temporary folder, on a free port, gone at the end."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 30
"""Seconds for the server to answer."""


def found() -> Path | None:
    """Return the folder of PostgreSQL's programs, or None where there is none."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


@dataclass(frozen=True)
class Server:
    """A running server; user ``review``, no password, loopback alone."""

    port: int
    folder: Path
    programs: Path

    def url(self, database: str) -> str:
        """Return the address of a database."""
        return f"postgresql://review@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make a database and return its address."""
        run = [str(self.programs / "createdb"), "-h", "127.0.0.1", "-p", str(self.port)]
        subprocess.run([*run, "-U", "review", database], check=True, capture_output=True)
        return self.url(database)


@contextmanager
def server() -> Iterator[Server]:
    """Start a server; as root it runs as another user, since PostgreSQL refuses root."""
    programs = found()
    assert programs is not None, "no PostgreSQL on this machine"
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    user = _other_user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    data, port = folder / "data", _free_port()
    as_user = {"user": user.pw_uid, "group": user.pw_gid} if user else {}
    home = {"HOME": str(folder), "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}
    initdb = [str(programs / "initdb"), "-D", str(data), "-U", "review", "--auth=trust"]
    subprocess.run(
        [*initdb, "--no-sync", "-E", "UTF8"],
        check=True,
        capture_output=True,
        cwd=folder,
        env=home,
        **as_user,  # type: ignore[call-overload]
    )
    settings = {"fsync": "off", "listen_addresses": "127.0.0.1", "unix_socket_directories": ""}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options],
            stdout=log,
            stderr=log,
            cwd=folder,
            env=home,
            **as_user,  # type: ignore[call-overload]
        )
    try:
        _wait(programs, port, process, folder)
        yield Server(port, folder, programs)
    finally:
        process.send_signal(signal.SIGINT)  # the fast way: it does not wait for its clients
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _other_user() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _wait(programs: Path, port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    ask = [str(programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    while time.monotonic() < until and process.poll() is None:
        if subprocess.run(ask).returncode == 0:
            return
        time.sleep(0.1)
    raise TimeoutError(f"PostgreSQL did not start: {(folder / 'log').read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
