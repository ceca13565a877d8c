"""The developer's compose file: against the specification's schema, and as two projects read it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.controller import compose
from infra.controller.layout import ROOT
from infra.controller.services import QUEUES
from tests.infra.stacks.conftest import tool

DIGEST = "a" * 64
IMAGES = dict.fromkeys(compose.IMAGES, f"image:1@sha256:{DIGEST}")
ASKED = re.compile(r"\$\{(\w+)(:\?[^}]*)?\}")


def project(name: str, offset: int, folder: Path) -> dict[str, Any]:
    """Return the file as compose reads it for a project."""
    given = compose.variables(name, offset, folder, (1001, 1002), IMAGES)
    text = compose.FILE.read_text()
    # A variable that may be empty would be found out at run time alone.
    assert all(mark for _, mark in ASKED.findall(text))
    assert {asked for asked, _ in ASKED.findall(text)} == set(given)
    made: dict[str, Any] = yaml.safe_load(ASKED.sub(lambda found: given[found[1]], text))
    return made


def ports(found: dict[str, Any]) -> list[str]:
    return [
        str(port).rpartition(":")[0]
        for service in found["services"].values()
        for port in service["ports"]
    ]


def sources(found: dict[str, Any]) -> set[str]:
    return {
        volume["source"]
        for service in found["services"].values()
        for volume in service.get("volumes", ())
        if not volume.get("read_only")
    }


def test_the_specifications_schema_takes_it(tmp_path: Path) -> None:
    schema = ["check-jsonschema", "--builtin-schema", "vendor.compose-spec"]
    said = tool([*schema, compose.FILE])
    assert said.returncode == 0, said.stdout + said.stderr
    filled = tmp_path / "compose.yaml"
    filled.write_text(yaml.safe_dump(project("one", 0, tmp_path)))
    assert tool([*schema, filled]).returncode == 0
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(compose.FILE.read_text().replace("tmpfs:", "tempfs:"))
    assert tool([*schema, wrong]).returncode != 0


def test_every_service_is_healthy_by_a_check_and_nobodys_but_ours(tmp_path: Path) -> None:
    services = project("one", 0, tmp_path)["services"]
    assert set(services) == {"postgres", "moto", "server", "worker"}
    for name, service in services.items():
        assert service["user"] == "1001:1002", name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["cap_drop"] == ["ALL"], name
        assert not {"privileged", "network_mode", "pid"} & set(service), name
        built = service.get("build")
        if built:
            assert built["args"]["BASE"].endswith(f"@sha256:{DIGEST}")
            assert (compose.FILE.parent / built["context"]).resolve() == ROOT
            dockerfile = (ROOT / built["dockerfile"]).read_text()
            assert f" AS {built['target']}\n" in dockerfile and "ARG BASE=" in dockerfile
            assert service["image"] == "one-worker:development"
        else:
            assert service["image"].endswith(f"@sha256:{DIGEST}"), name
        for other, wanted in service.get("depends_on", {}).items():
            assert wanted == {"condition": "service_healthy"} and "healthcheck" in services[other]
    assert "latest" not in compose.FILE.read_text()


def test_the_worker_serves_every_queue_and_stops_in_good_order(tmp_path: Path) -> None:
    worker = project("one", 0, tmp_path)["services"]["worker"]
    script = worker["command"][2]
    assert re.findall(r"--work-queue (\S+)", script) == list(QUEUES)
    # What is signalled is the worker, not a shell around it.
    assert re.search(r"; exec prefect worker start ", script)
    assert worker["stop_grace_period"] == "120s"
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    code = [v for v in worker["volumes"] if v["target"] == "/opt/dataweave"]
    assert [v["read_only"] for v in code] == [True]


def test_two_projects_share_nothing(tmp_path: Path) -> None:
    one, other = project("one", 0, tmp_path), project("other", 1, tmp_path)
    published = [set(ports(found)) for found in (one, other)]
    assert [len(found) for found in published] == [3, 3]
    assert not published[0] & published[1]
    assert all(host.startswith("127.0.0.1:") for found in published for host in found)
    assert sources(one) and not sources(one) & sources(other)
    for found in (one, other):
        # A name of our own would be one for all projects.
        assert not {"name", "networks", "volumes"} & set(found)
        assert not any("container_name" in service for service in found["services"].values())
    built = [
        {service["image"] for service in found["services"].values() if "build" in service}
        for found in (one, other)
    ]
    assert built[0] and not built[0] & built[1]


def test_no_two_offsets_meet() -> None:
    taken = [
        {base + offset for base in compose.PORTS.values()} for offset in range(compose.FURTHEST + 1)
    ]
    assert sum(map(len, taken)) == len(set().union(*taken))


@pytest.mark.parametrize(
    ("name", "offset", "owner", "images", "words"),
    [
        ("One", 0, 1001, IMAGES, "no project's name"),
        ("one", 200, 1001, IMAGES, "between 0 and 199"),
        ("one", -1, 1001, IMAGES, "between 0 and 199"),
        ("one", 0, 0, IMAGES, "start it as yourself"),
        ("one", 0, 1001, {**IMAGES, "MOTO_IMAGE": "moto:latest"}, "MOTO_IMAGE: name each"),
        ("one", 0, 1001, {}, "POSTGRES_IMAGE, MOTO_IMAGE, BASE_IMAGE"),
    ],
)
def test_what_is_wrong_is_said(
    tmp_path: Path, name: str, offset: int, owner: int, images: dict[str, str], words: str
) -> None:
    with pytest.raises(compose.ComposeError, match=words):
        compose.variables(name, offset, tmp_path, (owner, owner), images)


def test_the_engine_is_called_with_the_project_and_its_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = tmp_path / "bin" / "docker"
    engine.parent.mkdir()
    record = 'printf "%s\\n" "$@" >"$SAID"; echo "$OWNER $SERVER_PORT $FOLDER" >>"$SAID"'
    engine.write_text(f"#!/bin/sh\n{record}\nexit 7\n")
    engine.chmod(0o755)
    said, folder = tmp_path / "said", tmp_path / "projects"
    folder.mkdir()
    lines = [f"{key}={value}" for key, value in IMAGES.items()]
    (folder / "images.env").write_text("\n".join(["# by digest", *lines]))
    monkeypatch.setenv("PATH", f"{engine.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SAID", str(said))
    monkeypatch.setattr(os, "getuid", lambda: 1001)
    monkeypatch.setattr(os, "getgid", lambda: 1002)
    asked = ["--offset", "3", "--folder", str(folder), "mine", "logs", "--follow", "server"]
    assert compose.main(asked) == 7
    told = said.read_text().splitlines()
    assert told[:3] == ["compose", "--project-name", "mine"]
    assert told[-4:-1] == ["logs", "--follow", "server"]
    assert told[-1] == f"1001:1002 4203 {folder / 'mine'}"
    assert {path.name for path in (folder / "mine").iterdir()} == {"postgres", "data"}


def test_the_engines_own_reading(tmp_path: Path) -> None:
    plugin = shutil.which("docker") and subprocess.run(
        ["docker", "compose", "version"], capture_output=True, check=False
    )
    if not plugin or plugin.returncode:
        pytest.skip("there is no docker compose here")
    given = compose.variables("one", 0, tmp_path, (1001, 1002), IMAGES)
    command = ["docker", "compose", "--project-name", "one", "--file", str(compose.FILE)]
    said = subprocess.run(
        [*command, "config", "--format", "json"],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(json.loads(said.stdout)["services"]) == {"postgres", "moto", "server", "worker"}
