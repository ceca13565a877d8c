"""The bench of releases: its order, and what it notes when a release goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.release import bench as module
from benchmarks.release.bench import GOOD, KILLED, KINDS, Bench, Made, order
from benchmarks.release.load import Account
from benchmarks.release.page import result, write
from benchmarks.release.trouble import UndisturbedError, kill_points
from infra.release.model import ACTIVE as DOCUMENT
from infra.release.steps import Kind, forward
from infra.release.store import CURRENT, FileStore
from tests.infra.release.world import ACTIVE, release


def test_a_part_of_the_order_has_some_of_each() -> None:
    kinds = order(20, 40)
    assert (len(kinds), kinds.count(GOOD), kinds.count(KILLED)) == (60, 20, 20)
    assert kinds[0] == GOOD  # a rollback needs a version before
    assert set(KINDS) <= set(kinds)
    part = kinds[:30]
    assert 8 <= part.count(GOOD) <= 12 and set(KINDS) - set(part) <= {KINDS[-1]}
    assert order(1, 1, ("controller",)) == [GOOD, "controller"]
    assert order(0, 2) == [KINDS[0], KILLED]


def test_a_driver_is_killed_at_each_step_that_acts() -> None:
    points = kill_points(release())
    assert len(points) == len(set(points)) == 2 * (len(forward(release())) - 1)
    assert Kind.DRAIN_OLD not in {step.kind for step, _ in points}


def test_a_disturbance_that_did_not_happen_is_not_a_success(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Here:
        class site:  # noqa: N801
            store = FileStore(tmp_path)

        def version(self, _number: int, _broken: str = "") -> object:
            return ACTIVE.version

    Here.site.store.write(CURRENT, {"active": DOCUMENT.dump_python(ACTIVE, mode="json")}, 0)

    def not_killed(*_: object) -> None:
        raise UndisturbedError("the driver was not killed")

    monkeypatch.setattr(module, "prepared", lambda *_: release())
    monkeypatch.setattr(module, "killed", not_killed)
    made = Bench(Here()).release(KILLED)  # type: ignore[arg-type]
    assert not made.right and made.ended == "error"
    assert made.kind == f"killed after {forward(release())[0]}"
    assert "not killed" in made.reason


def test_what_was_found_is_written_as_it_is_found(tmp_path: Path) -> None:
    found = Account(
        5, [], ["row-4"], [], [], [], [], 0, {}, {"row-1": (9.0, 2.0), "row-2": (11.0, 4.0)}
    )
    done = [Made(GOOD, "released", True, "", 10.0, 5.0),
            Made("canary", "released", False, "", 15.0, 5.0)]  # fmt: skip
    write(tmp_path, result(done, found, quiet_until=10.0, asked=60))
    page = (tmp_path / "release.md").read_text()
    assert "2 of 60 releases were made" in page and "| runs still under way | 1 |" in page
    assert "| of them not ended as they must | 1 |" in page
    said = json.loads((tmp_path / "release.json").read_text())
    assert said["p95 wait without releases, s"] == 2.0
    assert said["p95 wait during releases, s"] == 4.0
    assert [one["kind"] for one in said["not as expected"]] == ["canary"]
    assert not list(tmp_path.glob("*.new"))
