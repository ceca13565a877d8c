"""A steady load of real runs through the proxy, and what the ledger says of them afterwards."""

from __future__ import annotations

import json
import statistics
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.release.stand import Stand

TRIES = 8
"""As Prefect's client, whose default is 5, is told by the work pools."""


@dataclass
class Load:
    """Starts a run every so often; a context manager.

    Attributes:
        stand: where.
        rows: folder of the ledger.
        every: seconds between two runs.
        seconds: that a run lasts.
        children: of how many runs one has a child.
        deployments: how many there are.
        most: runs that are open at a time: a slow machine is not given ever more.
    """

    stand: Stand
    rows: Path
    every: float = 2.0
    seconds: float = 2.0
    children: int = 4
    deployments: int = 10
    most: int = 8
    posted: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    retried: int = 0

    def __enter__(self) -> Load:
        self.rows.mkdir(parents=True, exist_ok=True)
        self._client = httpx.Client(base_url=self.stand.site.proxy_url, timeout=60)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._client.close()

    def stop(self) -> None:
        """Start no more."""
        self._over.set()
        self._thread.join(120)

    def _run(self) -> None:
        try:
            self._start_runs()
        except Exception as error:  # a load that ended by itself proves nothing
            self.errors.append(f"the load ended: {type(error).__name__} {error}")

    def _start_runs(self) -> None:
        ids = {one["name"]: one["id"] for one in self._ask("/deployments/filter", {})}
        number = 0
        while not self._over.is_set():
            if self._open() >= self.most:
                self._over.wait(0.5)
                continue
            name = f"ledger-{number % self.deployments:02}"
            row = f"row-{number:05}"
            parameters = {"row": row, "folder": str(self.rows), "seconds": self.seconds,
                          "child": number % self.children == 0}  # fmt: skip
            body = {"idempotency_key": row, "name": row, "parameters": parameters,
                    "state": {"type": "SCHEDULED"}}  # fmt: skip
            at = time.time()
            if self._ask(f"/deployments/{ids[name]}/create_flow_run", body) is not None:
                self.posted[row] = at
            number += 1
            self._over.wait(self.every)

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        told = ""
        for number in range(TRIES):
            try:
                answer = self._client.post(path, json=body)
                if answer.status_code not in (429, 502, 503):
                    answer.raise_for_status()
                    return answer.json()
                told = str(answer.status_code)
            except httpx.TransportError as error:
                told = f"{type(error).__name__} {error}"
            except httpx.HTTPStatusError as error:
                told = f"{error.response.status_code} {error.response.text[:200]}"
                break
            self.retried += 1
            time.sleep(min(10, 0.2 * 2**number))
        self.errors.append(f"{path}: {told}")
        return None

    def settle(self, patience: float) -> None:
        """Wait until some runs have gone through: what a wait is without a release."""
        end = time.monotonic() + patience
        while time.monotonic() < end and len(list(self.rows.glob("row-*.json"))) < 15:
            time.sleep(0.5)

    def _open(self) -> int:
        return sum(not (self.rows / f"{row}.json").exists() for row in list(self.posted))

    def wait(self, patience: float = 180) -> None:
        """Wait until every run that was posted has its row, or will not have one."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if all((self.rows / f"{row}.json").exists() for row in self.posted):
                return
            time.sleep(0.5)


@dataclass
class Account:
    """What the ledger says.

    Attributes:
        runs: that were started.
        lost: without a row, though there was time.
        open: without a row so far.
        doubled: whose work was done twice.
        mixed: run by another version than their child, or than their worker's.
        bad: states of runs that are neither completed nor handed over.
        errors: of the API that a client's retries did not hide.
        retried: requests that were tried again.
        versions: rows by version.
        waits: seconds from a run's post to its beginning, by row.
    """

    runs: int
    lost: list[str]
    open: list[str]
    doubled: list[str]
    mixed: list[str]
    bad: list[str]
    errors: list[str]
    retried: int
    versions: dict[str, int]
    waits: dict[str, tuple[float, float]]

    @property
    def clean(self) -> bool:
        """Whether nothing was lost, doubled, mixed, crashed or refused."""
        return not (self.lost or self.doubled or self.mixed or self.bad or self.errors)


def account(load: Load, *, ended: bool = False) -> Account:
    """Return what the ledger says of a load.

    Args:
        load: which.
        ended: whether it has, and was waited for: what has no row then was lost.
    """
    posted = dict(load.posted)
    rows = _rows(load.rows)
    mixed = [name for name, row in rows.items()
             if name.endswith("-child") and rows.get(name.removesuffix("-child"), row)["digest"]
             != row["digest"]]  # fmt: skip
    folders = {path.name: path for path in (load.stand.home / "versions").iterdir()}
    from infra.release.local.site import version_of

    digests = {name: version_of(path).digest for name, path in folders.items()}
    mixed += [name for name, row in rows.items() if digests[row["version"]] != row["digest"]]
    versions: dict[str, int] = {}
    for row in rows.values():
        versions[row["version"]] = versions.get(row["version"], 0) + 1
    return Account(
        runs=len(posted),
        lost=sorted(set(posted) - set(rows)) if ended else [],
        open=[] if ended else sorted(set(posted) - set(rows)),
        doubled=sorted(path.name for path in load.rows.glob("*.again.*")),
        mixed=sorted(mixed),
        bad=_bad(load.stand),
        errors=list(load.errors),
        retried=load.retried,
        versions=dict(sorted(versions.items())),
        waits={row: (at, rows[row]["begun"] - at) for row, at in posted.items()
               if row in rows},
    )  # fmt: skip


def _rows(folder: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in folder.glob("*.json"):
        text = path.read_text()
        if text.endswith("}"):  # else it is being written, or its writer was killed at it
            found[path.stem] = json.loads(text)
    return found


def p95(values: list[float]) -> float:
    """Return the 95th percentile; 0 of nothing."""
    if len(values) < 2:
        return max(values, default=0.0)
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def _bad(stand: Stand) -> list[str]:
    asked = {"flow_runs": {"state": {"type": {"any_": ["FAILED", "CRASHED", "CANCELLED"]}}}}
    found: list[str] = []
    offset = 0
    while True:
        answer = httpx.post(f"{stand.site.proxy_url}/flow_runs/filter", timeout=60,
                            json={**asked, "limit": 200, "offset": offset})  # fmt: skip
        answer.raise_for_status()
        page = answer.json()
        found += [f"{run['name']}: {run['state_name']}: {run['state']['message']}" for run in page
                  if "canary" not in run["tags"] and run["state_name"] != "Moved"]  # fmt: skip
        offset += len(page)
        if len(page) < 200:
            return found
