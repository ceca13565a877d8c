"""The command: what it says and refuses, without any server."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.release.__main__ import app
from infra.release.driver import Pace, drive
from infra.release.local import processes
from infra.release.local.site import Site, version_of
from infra.release.model import Release, Version, release_of
from infra.release.seen import Look, Seen
from infra.release.steps import Step
from infra.release.store import ReleaseProblemError

DATABASE = "postgresql+asyncpg://someone:seeded-secret@127.0.0.1:1/prefect"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path / "site", DATABASE, 1, 2, 3)
    made.keep()
    return made


class Done:
    """Hands that find everything done."""

    def look(self, step: Step, release: Release) -> Seen:
        return Seen(step, Look.DONE)

    def act(self, step: Step, release: Release) -> None:
        raise AssertionError(step)


def said(site: Site, *arguments: str) -> str:
    done = CliRunner().invoke(app, ["--site", str(site.folder), *arguments])
    assert done.exit_code == 0, done.output + repr(done.exception)
    return done.output


def test_what_works_and_what_was_released_is_told(site: Site) -> None:
    assert "nothing was released yet" in said(site, "status")
    first = Version("a" * 64, "c0ffee" * 6, "one")
    release = release_of(first, None, time.time(), by="me")
    drive(site.store, Done(), release, Pace(pause=0.0))
    assert "aaaaaaaaaaaa on blue" in said(site, "status")
    (line,) = said(site, "list").splitlines()
    assert "released" in line and "c0ffeec0ff" in line and "instead of nothing" in line
    assert json.loads(said(site, "list", "--json"))["release"]["by"] == "me"
    said(site, "freeze", "the sale", "--by", "ops")
    assert "frozen by ops: the sale" in said(site, "status")
    said(site, "thaw")
    assert "frozen" not in said(site, "status")
    said(site, "window", "--days", "0-3", "--from", "09:00", "--to", "10:00")
    done = CliRunner().invoke(app, ["--site", str(site.folder), "rollback"])
    assert isinstance(done.exception, ReleaseProblemError)
    assert "no release to go back to" in str(done.exception)


def test_the_databases_address_is_for_its_owner_alone(site: Site) -> None:
    assert "seeded-secret" not in (site.folder / "release.json").read_text()
    assert "seeded-secret" not in repr(Site.of(site.folder))
    assert (site.folder / "database").stat().st_mode & 0o077 == 0
    assert Site.of(site.folder) == site


def test_a_version_is_what_is_in_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ReleaseProblemError, match=r"no prefect\.yaml"):
        version_of(tmp_path)
    (tmp_path / "prefect.yaml").write_text("deployments: []\n")
    first = version_of(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "x.pyc").write_bytes(b"1")
    assert version_of(tmp_path) == first
    (tmp_path / "flow.py").write_text("x = 1\n")
    assert version_of(tmp_path).digest != first.digest
    with pytest.raises(ReleaseProblemError, match="names no digest"):
        version_of(tmp_path, image="repository:latest")
    image = f"repository@sha256:{'d' * 64}"
    assert version_of(tmp_path, image=image).digest == "d" * 64


def test_processes_are_found_by_their_mark(tmp_path: Path) -> None:
    environ = {**os.environ, processes.ROLE: "worker-blue", processes.SITE: str(tmp_path),
               processes.VERSION: "v1"}  # fmt: skip
    # Its child has the marks too, and is not what was started.
    command = ["/bin/sh", "-c", "sleep 600 & exec sleep 600"]
    before = time.time()
    pid = processes.start(command, environ, tmp_path / "log", tmp_path)
    try:
        (found,) = processes.find(tmp_path, "worker-blue")
        assert (found.pid, found.version) == (pid, "v1")
        assert abs(found.started - before) < 60
        assert processes.find(tmp_path, "worker-green") == []
    finally:
        os.killpg(pid, 15)
        processes.stop(tmp_path, "worker-blue", 60)
    assert processes.find(tmp_path, "worker-blue") == []
