"""Flows of a version: each run writes one row, and says by which version it and its child ran."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

from prefect import flow

from sdk.deployments import deployment_of, read_run, start_run

HERE = Path(__file__).parent
VERSION = (HERE / "VERSION").read_text(encoding="utf-8").strip()


def write(folder: str, row: str, **said: object) -> None:
    """Write a row, once; a second time leaves a trace."""
    path = Path(folder) / f"{row}.json"
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        (Path(folder) / f"{row}.again.{time.time_ns()}").touch()
        return
    said |= {"version": VERSION, "digest": os.environ.get("DATAWEAVE_VERSION"), "at": time.time()}
    os.write(handle, json.dumps(said).encode())
    os.close(handle)


@flow(name="ledger")
def ledger(row: str = "none", folder: str = ".", seconds: float = 1.0, child: bool = False) -> None:
    """Work for a while, have a child work too if asked, write the row."""
    begun = time.time()
    time.sleep(seconds / 2)
    if child:
        target = deployment_of("ledger-child", patience=60)
        made = start_run(target, {"row": f"{row}-child", "folder": folder}, key=f"{row}/child")
        while not (made := read_run(made.id)).ended:
            time.sleep(0.5)
        assert made.completed, f"the child is {made.state}: {made.message}"
    time.sleep(seconds / 2)
    write(folder, row, begun=begun)


@flow(name="ledger-child")
def ledger_child(row: str, folder: str) -> None:
    """Write the child's row."""
    write(folder, row)


@flow(name="release-canary")
def canary(expected: str = "") -> None:
    """Fail where this is not the version that is expected, or a broken one."""
    assert not (HERE / "BROKEN").exists(), "this version computes something wrong"
    found = os.environ.get("DATAWEAVE_VERSION")
    assert not expected or found == expected, f"expected {expected}, this is {found}"
