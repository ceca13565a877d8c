"""The services of a platform on one machine: what is started, as whom, and when it is up."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.controller.layout import ROOT, Layout, PlatformProblemError, program
from infra.controller.nginx import Site, configuration, password_line

ENVIRONMENT = "development"
QUEUES = ("realtime", "coordinate", "work", "backfill")
WORKER_SLOTS = "8"
"""Runs of the one worker at a time: parents mostly wait, and two cores are two cores."""


@dataclass(frozen=True)
class Service:
    """A process that is to run.

    Attributes:
        name: of the service and its log.
        command: program and arguments.
        environ: its whole environment.
        up: whether it does its work; asked before what comes after it is started.
        user: whose rights it has; None for ours.
        stop: the signal that ends it in good order.
        grace: seconds that it has for that.
        leaves: whether processes of its own outlive it when it is killed, and stand in the way of
            the next. A worker's runs outlive it too, and are to.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    up: Callable[[], bool] = lambda: True
    user: str | None = None
    stop: signal.Signals = signal.SIGTERM
    grace: float = 15.0
    leaves: bool = False


def services(layout: Layout) -> list[Service]:
    """Return the services in the order in which they are started."""
    machine = machine_environment(layout)
    found = [] if layout.database_url else [_postgres(layout)]
    found += [_server(layout), _nginx(layout)]
    for name, module in (
        ("census", "canary.reconciler.census"),
        ("reconciler", "canary.reconciler"),
        ("watch", "canary.watch"),
    ):
        found.append(Service(name, (sys.executable, "-m", module), machine))
    found.append(_worker(layout, machine, "local"))
    return found


def machine_environment(layout: Layout) -> dict[str, str]:
    """Return the environment of what comes in as a machine: workers, commands, the watch."""
    return _base(layout) | {
        "PREFECT_API_URL": layout.api_url,
        "PREFECT_API_KEY": layout.secret("machine-token"),
        "PREFECT_EXPERIMENTAL_EVENTS": "true",
        "PREFECT_WORKER_QUERY_SECONDS": os.environ.get("PREFECT_WORKER_QUERY_SECONDS", "2"),
        "DATAWEAVE_STORAGE": str(layout.folder / "store"),
        "DATAWEAVE_LOGS": str(layout.folder / "logs"),
        "DATAWEAVE_CANARY": str(layout.folder / "canary"),
        "DATAWEAVE_ENVIRONMENT": ENVIRONMENT,
        "DATAWEAVE_DATABASE_URL": layout.database,
        "DATAWEAVE_UI_URL": layout.url,
        "DATAWEAVE_CODE": str(ROOT),
    }


def prepare(layout: Layout) -> None:
    """Make the database cluster and nginx's files, where they are not there."""
    run = layout.folder / "run"
    (layout.folder / "canary").mkdir(exist_ok=True)
    people = run / "people"
    people.write_text(password_line("dataweave", layout.secret("people-password")))
    site = Site(
        folder=layout.folder,
        listen=f"127.0.0.1:{layout.web_port}",
        upstream=f"127.0.0.1:{layout.server_port}",
        token=layout.secret("machine-token"),
        root=os.geteuid() == 0,
    )
    layout.write_secret("nginx.conf", configuration(site))
    if os.geteuid() == 0:
        _give(people, "www-data")
        people.chmod(0o600)
    if layout.database_url is None and not (layout.folder / "postgres" / "PG_VERSION").exists():
        _initialise(layout)


def _initialise(layout: Layout) -> None:
    # Beside its place and moved there whole: half a cluster, left by one that was killed or had no
    # room, looks like a whole one and never starts.
    place, user = layout.folder / "postgres", _database_user()
    if place.exists() and any(place.iterdir()):
        raise PlatformProblemError(f"{place} is no database, and not empty\nMove it away.")
    data = place.with_suffix(".new")
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    if user is not None:
        _give(data, user)
    command = [program("initdb"), "-D", str(data), "-U", "prefect", "-A", "trust", "-E", "UTF8",
               "--locale=C.UTF-8"]  # fmt: skip
    # Trusted by address: loopback, of a machine that is one person's or one platform's.
    done = subprocess.run(  # noqa: S603
        command, check=False, capture_output=True, text=True, user=user, cwd=data
    )
    if done.returncode:
        raise PlatformProblemError(f"the database cannot be made\n{done.stderr.strip()[-1000:]}")
    with contextlib.suppress(FileNotFoundError):
        place.rmdir()  # an empty one, made by hand
    data.rename(place)


def _postgres(layout: Layout) -> Service:
    data, port = layout.folder / "postgres", str(layout.database_port)
    ready = (program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", port)
    psql = (program("psql"), "-h", "127.0.0.1", "-p", port, "-U", "prefect", "-d", "postgres",
            "-qAtc")  # fmt: skip

    def up() -> bool:
        if subprocess.run(ready, check=False).returncode:  # noqa: S603
            return False
        known = _said(*psql, "select 1 from pg_database where datname = 'prefect'")
        return known == "1" or _said(*psql, "create database prefect") is not None

    command = (program("postgres"), "-D", str(data), "-h", "127.0.0.1", "-p", port, "-k", "",
               "-c", "max_connections=200",
               "-c", "autovacuum_vacuum_scale_factor=0.05")  # fmt: skip
    return Service(
        "postgres", command, dict(os.environ), up, _database_user(), signal.SIGINT, grace=30
    )


def _server(layout: Layout) -> Service:
    environ = _base(layout) | {
        "PREFECT_HOME": str(layout.folder / "home" / "server"),
        "PREFECT_API_DATABASE_CONNECTION_URL": layout.database,
        "PREFECT_EXPERIMENTAL_EVENTS": "true",
        "PREFECT_EVENTS_RETENTION_PERIOD": "P7D",
        "PREFECT_UI_API_URL": layout.api_url,
        "PREFECT_UI_URL": layout.url,
        "PREFECT_API_SERVICES_LATE_RUNS_AFTER_SECONDS": "15",
    }
    # Without the process that `prefect server start` puts around it, which hides it from signals.
    command = (sys.executable, "-m", "uvicorn", "--factory", "prefect.server.api.server:create_app",
               "--host", "127.0.0.1", "--port", str(layout.server_port),
               "--timeout-keep-alive", "65", "--no-access-log")  # fmt: skip
    url = f"http://127.0.0.1:{layout.server_port}/api/ready"
    return Service("server", command, environ, lambda: _answers(url), grace=20)


def _nginx(layout: Layout) -> Service:
    conf = layout.folder / "secrets" / "nginx.conf"
    command = (program("nginx"), "-c", str(conf), "-e", "stderr")
    url = f"{layout.url}/health"
    return Service("nginx", command, dict(os.environ), lambda: _answers(url), stop=signal.SIGQUIT,
                   leaves=True)  # fmt: skip


def _worker(layout: Layout, machine: Mapping[str, str], pool: str) -> Service:
    prefect = str(Path(sys.executable).with_name("prefect"))
    environ = {**machine, "PREFECT_HOME": str(layout.folder / "home" / f"worker-{pool}")}
    slots = os.environ.get("DATAWEAVE_SLOTS", WORKER_SLOTS)
    queues = " ".join(f"--work-queue {name}" for name in QUEUES)
    # A worker makes a pool that is not there, with a template that knows no heart: so it waits for
    # the declared one. Then it is this process: what is signalled is the worker.
    declared = f"{sys.executable} -m sdk.pools apply --environment {ENVIRONMENT}"
    script = (
        f"until {declared}; do sleep 2; done; exec {prefect} worker start --pool {pool} "
        f"--type process --name {pool}-1 --limit {slots} {queues}"
    )
    return Service(f"worker-{pool}", ("/bin/sh", "-c", script), environ, grace=20)


def _base(layout: Layout) -> dict[str, str]:
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PREFECT_", "DATAWEAVE_"))
    }
    path = f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', '')}"
    return (
        environ
        | _passed_on()
        | {
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "PREFECT_HOME": str(layout.folder / "home" / "commands"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        }
    )


def _passed_on() -> dict[str, str]:
    """Return those settings that whoever starts the platform may give to all of it."""
    given = ("DATAWEAVE_HEARTBEAT", "DATAWEAVE_SILENT", "DATAWEAVE_TIMEZONE", "DATAWEAVE_SLOTS")
    return {name: value for name in given if (value := os.environ.get(name))}


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except OSError:
        return False


def _said(*command: str) -> str | None:
    found = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return found.stdout.strip() if found.returncode == 0 else None


def _database_user() -> str | None:
    """Return the account that PostgreSQL runs under: it refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _give(path: Path, user: str) -> None:
    found = pwd.getpwnam(user)
    os.chown(path, found.pw_uid, found.pw_gid)
