"""A stand: PostgreSQL, nginx, and a site on which versions are released."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from infra.controller.layout import ROOT, program
from infra.release.local import processes
from infra.release.local.door import NginxDoor
from infra.release.local.site import Site, version_of
from infra.release.model import Colour, Version

SAMPLE = Path(__file__).with_name("version")
DEPLOYMENTS = 10
SETTINGS = {
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_WORKER_HEARTBEAT_SECONDS": "2",
    "PREFECT_WORKER_PREFETCH_SECONDS": "1",
    "PREFECT_CLIENT_MAX_RETRIES": "8",
    "PREFECT_UI_ENABLED": "false",
    "PREFECT_API_SERVICES_TELEMETRY_ENABLED": "false",
}
DIES = {  # what a broken image does, at the start of whichever process it is
    "image": "worker",
    "controller": "server",
}


@dataclass
class Stand:
    """What releases are made on.

    Attributes:
        home: everything is below it.
        site: where releases happen.
        postgres: port of the database.
    """

    home: Path
    site: Site
    postgres: int

    def version(self, number: int, broken: str = "", deployments: int = DEPLOYMENTS) -> Version:
        """Make a version; each has a migration more than the one before.

        Args:
            number: of the version.
            broken: ``image``, ``canary``, ``migration``, ``controller``; empty for a good one.
            deployments: how many it declares.
        """
        folder = self.home / "versions" / f"{number:03}{f'-{broken}' if broken else ''}"
        if folder.exists():
            return version_of(folder, f"{number:040x}")
        shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (folder / "VERSION").write_text(folder.name)
        (folder / "prefect.yaml").write_text(yaml.safe_dump(declared(deployments)))
        (folder / "migrations").mkdir()
        for one in range(1, self.migrations + 1):
            text = migration(one)
            (folder / "migrations" / f"{one:04}.py").write_text(text)
        if broken == "migration":
            last = self.migrations + 1
            text = migration(last).replace("add column", "add kolumn")
            (folder / "migrations" / f"{last:04}.py").write_text(text)
        elif broken == "canary":
            (folder / "BROKEN").touch()
        elif broken in DIES:
            (folder / "sitecustomize.py").write_text(
                "import os\n"
                f"if os.environ.get('{processes.ROLE}', '').startswith('{DIES[broken]}-'):\n"
                "    os._exit(3)\n"
            )
        return version_of(folder, f"{number:040x}")

    migrations: int = 1

    def alive(self) -> dict[str, list[str]]:
        """Return the versions that run, by role."""
        roles = [f"{what}-{colour}" for what in ("worker", "server") for colour in Colour]
        found = {
            role: sorted(one.version for one in processes.find(self.site.folder, role))
            for role in roles
        }
        return {role: versions for role, versions in found.items() if versions}


def declared(deployments: int) -> dict[str, object]:
    """Return a prefect.yaml."""
    code = {"prefect.deployments.steps.set_working_directory":
            {"directory": "{{ $DATAWEAVE_CODE }}"}}  # fmt: skip
    pool = {"name": "local", "work_queue_name": "coordinate"}
    work = {**pool, "work_queue_name": "work"}
    found: list[dict[str, object]] = [
        {"name": f"ledger-{number:02}", "entrypoint": "ledger.py:ledger", "work_pool": pool}
        for number in range(deployments)
    ]
    found.append({"name": "ledger-child", "entrypoint": "ledger.py:ledger_child",
                  "work_pool": work})  # fmt: skip
    found.append({"name": "release-canary", "entrypoint": "ledger.py:canary", "work_pool": pool})
    return {"name": "ledger", "pull": [code], "deployments": found}


def migration(number: int) -> str:
    """Return an expanding migration that can be taken back."""
    first = number == 1
    up = "create table ledger_note (id int)" if first else (
        f"alter table ledger_note add column note_{number} text")  # fmt: skip
    down = (
        "drop table ledger_note" if first else f"alter table ledger_note drop column note_{number}"
    )
    parent = None if first else f"{number - 1:04}"
    return (
        "from alembic import op\n\n"
        f"revision = '{number:04}'\ndown_revision = {parent!r}\n\n\n"
        f"def upgrade():\n    op.execute('{up}')\n\n\n"
        f"def downgrade():\n    op.execute('{down}')\n"
    )


@contextlib.contextmanager
def stand() -> Iterator[Stand]:
    """Have a stand for the block; nothing of it is left afterwards."""
    # Not below the caller's folders: PostgreSQL and nginx give root's rights up.
    home = Path(tempfile.mkdtemp(prefix="dataweave-release-"))
    home.chmod(0o755)
    database, site, port = None, None, _free_port()
    try:
        database = _postgres(home, port)
        url = f"postgresql+asyncpg://prefect@127.0.0.1:{port}/prefect"
        site = Site(
            (home / "site").resolve(), url, _free_port(), _free_port(), _free_port(),
            queues=("coordinate", "work"), limits={"coordinate": 5}, settings=SETTINGS,
        )  # fmt: skip
        site.keep()
        _migrate(url, home)
        NginxDoor(site).up()
        yield Stand(home, site, port)
    finally:
        with contextlib.suppress(OSError):
            if site is not None:
                NginxDoor(site).down()
        _kill_all(home)
        if database is not None:
            database.send_signal(signal.SIGINT)
            try:
                database.wait(20)
            except subprocess.TimeoutExpired:
                database.kill()
                database.wait()
        shutil.rmtree(home, ignore_errors=True)


def _postgres(home: Path, port: int) -> subprocess.Popen[bytes]:
    data = home / "postgres"
    data.mkdir(mode=0o700)
    user = _other_user()
    if user:
        os.chown(data, user.pw_uid, user.pw_gid)
    as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    subprocess.run(  # type: ignore[call-overload]
        [program("initdb"), "-D", str(data), "-U", "prefect", "-A", "trust", "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync"],
        check=True, capture_output=True, cwd=data, **as_user,
    )  # fmt: skip
    with (home / "postgres.log").open("wb") as log:
        process: subprocess.Popen[bytes] = subprocess.Popen(  # type: ignore[call-overload]
            [program("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", "",
             "-c", "fsync=off", "-c", "max_connections=300"],
            stdout=log, stderr=log, cwd=data, start_new_session=True, **as_user,
        )  # fmt: skip
    asked = [program("psql"), "-h", "127.0.0.1", "-p", str(port), "-U", "prefect", "-d",
             "postgres", "-qc", "create database prefect"]  # fmt: skip
    end = time.monotonic() + 120
    while subprocess.run(asked, check=False, capture_output=True).returncode:
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise RuntimeError((home / "postgres.log").read_text()[-2000:])
        time.sleep(0.2)
    return process


def _migrate(url: str, home: Path) -> None:
    """Make Prefect's own tables."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")}
    environ |= {"PREFECT_API_DATABASE_CONNECTION_URL": url, "PREFECT_HOME": str(home / "home")}
    command = [
        str(Path(sys.executable).with_name("prefect")),
        "server",
        "database",
        "upgrade",
        "-y",
    ]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=600
    )
    if done.returncode:
        raise RuntimeError(
            f"Prefect's tables cannot be made: {(done.stdout + done.stderr)[-2000:]}"
        )


def _kill_all(home: Path) -> None:
    """Kill what was started below the folder, runs of workers too."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        found = False
        for folder in Path("/proc").iterdir():
            if not folder.name.isdigit() or int(folder.name) == os.getpid():
                continue
            with contextlib.suppress(OSError):
                mark = f"{processes.SITE}={home}".encode()
                if mark in (folder / "environ").read_bytes():
                    os.kill(int(folder.name), signal.SIGKILL)
                    found = True
        processes.reap()
        if not found:
            return
        time.sleep(0.1)


def _other_user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
