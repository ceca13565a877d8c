"""A release, a failed one and a return: Prefect on PostgreSQL, workers, nginx, and runs meanwhile.

The driver of the good one is killed right after the proxy was swapped, before it could note that.
At full numbers: `make bench-release`.
"""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from benchmarks.release.load import Load, account
from benchmarks.release.stand import Stand, stand
from benchmarks.release.trouble import carried as carried_at
from benchmarks.release.trouble import killed, prepared
from infra.controller.layout import PlatformProblemError, program
from infra.release import history
from infra.release.driver import Pace, active, under_way
from infra.release.model import Release
from infra.release.progress import Progress, Way
from infra.release.schema import AlembicSchema
from infra.release.steps import Kind, Step
from infra.release.store import ReleaseProblemError


def carried(here: Stand, release: Release | None) -> Progress:
    return carried_at(here, release, Pace(pause=0.5))


def installed() -> bool:
    try:
        return bool(program("initdb") and program("nginx"))
    except PlatformProblemError:
        return False


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not installed(), reason="PostgreSQL and nginx are not installed")
def test_a_release_and_a_failed_one_lose_nothing(tmp_path: Path) -> None:
    with stand() as here:
        store = here.site.store
        first = here.version(1, deployments=2)
        assert carried(here, prepared(here, first)).way is Way.RELEASED
        # PostgreSQL's and nginx's accounts need not enter the test's folder; runs are ours.
        with Load(here, tmp_path / "rows", every=4.0, children=2, deployments=2, most=2) as load:
            here.migrations = 2
            second = here.version(2, deployments=2)
            release = prepared(here, second, (100,))
            killed(here, release, Step(Kind.SWAP_PROXY), "after")
            left = under_way(store)
            assert left is not None and left.step is not None
            assert left.step.kind is Kind.SWAP_PROXY
            with pytest.raises(ReleaseProblemError, match="resume"):
                prepared(here, here.version(3, deployments=2))
            progress = carried(here, None)
            assert progress.way is Way.RELEASED, progress
            # It had been swapped: that was seen, and not done again.
            acts = [e for e in progress.events if e.step == "swap proxy" and e.kind == "act"]
            assert len(acts) == 1
            present = active(store)
            assert present is not None and present.version == second
            assert here.alive() == {"worker-green": [second.digest],
                                    "server-green": [second.digest]}  # fmt: skip

            broken = here.version(4, "controller", deployments=2)
            progress = carried(here, prepared(here, broken, (100,)))
            assert progress.way is Way.TURNED_BACK
            assert progress.reason.startswith("start controller")
            assert active(store) == present
            assert here.alive() == {"worker-green": [second.digest],
                                    "server-green": [second.digest]}  # fmt: skip

            # The version before comes back, and the schema goes down to it at the end.
            progress = carried(here, history.before(store, time.time(), "test", ""))
            assert progress.way is Way.RELEASED, progress
            present = active(store)
            assert present is not None and present.version == first
            assert AlembicSchema(here.site.database).at() == "0001"
            assert here.alive() == {"worker-blue": [first.digest],
                                    "server-blue": [first.digest]}  # fmt: skip
        load.wait()
        found = account(load, ended=True)
        assert found.clean, found
        assert found.runs > 0 and second.where.rsplit("/", 1)[-1] in found.versions
        deployments = httpx.post(f"{here.site.proxy_url}/deployments/filter", json={}, timeout=60)
        assert {one["work_queue_name"].rsplit("-", 1)[-1] for one in deployments.json()} == {"blue"}
        assert {one["version"] for one in deployments.json()} == {first.digest}
        outcomes = [record.outcome for record in history.records(store)]
        assert outcomes == ["released", "turned back", "released", "released"]
