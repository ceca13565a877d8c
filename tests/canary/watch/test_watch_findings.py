"""What is wrong with what the watch sees: a table, quiet cycles, and what is told of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest

from canary.load import expected as computed
from canary.load import numbers, part_sum
from canary.page import page, write_page
from canary.record import FOLDER, CanaryRecord, records
from canary.watch.changes import AGAIN, QUIET, Open, changes
from canary.watch.findings import Expected, findings
from canary.watch.settings import read
from canary.watch.snapshot import CanaryRun, Fault, Finding, Pool, Queue, Snapshot
from canary.watch.tell import RUNBOOKS, wording
from sdk import ConfigurationError
from sdk.storage import storage

EXPECTED = Expected()
POOL = Pool("local", paused=False, workers={"w": 5.0})
QUEUE = Queue("local", "work", paused=False, limit=4, late=0.0, begun=60.0, active=1)
CANARY = CanaryRun("canary-work", 600.0, ended="COMPLETED", waited=8, seconds=20, right=True,
                   notice=True)  # fmt: skip
WELL = Snapshot(True, True, True, (), (POOL,), (QUEUE,), (CANARY,), reconciler=4.0)


def seen(**changed: Any) -> Snapshot:
    canary = {n: changed.pop(n) for n in list(changed) if n in CanaryRun.__dataclass_fields__}
    queue = {n.removeprefix("queue_"): changed.pop(n) for n in list(changed) if "queue_" in n}
    pool = {n.removeprefix("pool_"): changed.pop(n) for n in list(changed) if "pool_" in n}
    return replace(
        WELL,
        canaries=(replace(CANARY, **canary),),
        queues=(replace(QUEUE, **queue),),
        pools=(replace(POOL, **pool),),
        **changed,
    )


SEEDED = {
    "server-unreachable": seen(server=False, database=False, storage=False),
    "database-down": seen(database=False, storage=False),
    "storage-down": seen(storage=False),
    "scheduler-stopped": seen(unscheduled=("metro-daily",)),
    "worker-gone": seen(pool_workers={"w": 91.0}, queue_late=9000.0, queue_begun=None),
    "pool-paused": seen(pool_paused=True),
    "queue-paused": seen(queue_paused=True, queue_late=9000.0),
    "queue-stuck": seen(queue_late=601.0, queue_begun=700.0),
    "canary-missing": seen(since_due=2800.0),
    "canary-queued-long": seen(queued=121.0),
    "canary-slow": seen(seconds=121.0),
    "canary-failed": seen(ended="CRASHED", right=None),
    "canary-wrong": seen(right=False),
    "notices-broken": seen(notice=False),
    "reconciler-silent": seen(reconciler=61.0),
}


@pytest.mark.parametrize("fault", sorted(SEEDED))
def test_each_fault_is_found_and_no_other(fault: str) -> None:
    assert [found.fault for found in findings(SEEDED[fault], EXPECTED)] == [fault]


@pytest.mark.parametrize(
    "near",
    [
        {"pool_workers": {"old": 9000.0, "new": 3.0}},
        {"pool_workers": {}, "pool_used": False},
        {"queue_late": 599.0, "queue_begun": None},
        # A burst: runs are late, and others begin.
        {"queue_late": 3600.0, "queue_begun": 20.0, "queue_active": 4},
        {"since_due": 1810.0},
        {"queued": 119.0},
        {"running": 119.0},
        {"ended": "", "right": None, "waited": 0.0, "seconds": 0.0, "notice": None},
    ],
)
def test_what_is_near_a_fault_is_none(near: dict[str, Any]) -> None:
    assert findings(seen(**near), EXPECTED) == []


def test_a_canary_that_never_ran_or_left_nothing_is_found() -> None:
    never = CanaryRun("canary-work", None)
    assert findings(replace(WELL, canaries=(never,)), EXPECTED)[0].fault == "canary-missing"
    [found] = findings(seen(right=None), EXPECTED)
    assert (found.fault, "left no record" in found.detail) == ("canary-wrong", True)
    assert findings(replace(WELL, reconciler=None), EXPECTED)[0].fault == "reconciler-silent"


def test_findings_are_told_when_they_come_again_and_go() -> None:
    finding = Finding("queue-stuck", "local/work", "a run is 700 s late")
    known: dict[str, Open] = {}
    known, told = changes(known, [finding], 0)
    assert [change.what for change in told] == ["new"]
    known, told = changes(known, [finding], 60)
    assert told == []
    known, told = changes(known, [], 120)  # it may flap
    assert told == []
    known, told = changes(known, [finding], AGAIN + 1)
    assert [change.what for change in told] == ["still"]
    known, told = changes(known, [], AGAIN + 2 + QUIET)
    assert [(change.what, change.finding) for change in told] == [("mended", finding)]
    assert known == {}
    assert wording(told[0], "staging").startswith("[staging] mended: queue-stuck local/work")


def test_every_alert_names_a_runbook_that_is_there() -> None:
    root = Path(__file__).parent.parent.parent.parent
    for fault, snapshot in SEEDED.items():
        _, told = changes({}, findings(snapshot, EXPECTED), 0)
        text = wording(told[0], "production")
        book = text.rpartition("(")[2].rstrip(")")
        assert (root / book).is_file(), f"{fault}: {book}"


def test_the_load_is_what_arithmetic_says() -> None:
    for seed in (0, 7, 1_764_000_000):
        frame = numbers(seed)
        assert sum(part_sum(frame, part) for part in range(4)) == computed(seed)


def record(name: str, minute: int, right: bool = True) -> CanaryRecord:
    due = datetime(2026, 8, 15, 6, tzinfo=UTC) + timedelta(minutes=minute)
    return CanaryRecord(
        name=name, run=f"run-{minute}", due=due, begun=due + timedelta(seconds=7),
        ended=due + timedelta(seconds=27), expected=5, results={"a": 5, "b": 5 if right else 6},
        notice=True,
    )  # fmt: skip


def test_records_are_read_back_and_shown(tmp_path: Path) -> None:
    root = storage(str(tmp_path))
    for minute in (0, 30, 60):
        kept = record("work", minute, right=minute != 60)
        root.put(f"{FOLDER}/work/{minute:03}.json", kept.model_dump_json().encode())
    root.put(f"{FOLDER}/work/999.json", b"{")
    found = records(root, "work", 10)
    assert [(r.waited, r.seconds, r.right) for r in found] == [
        (7, 20, True), (7, 20, True), (7, 20, False)]  # fmt: skip
    path = write_page(tmp_path / "page", root, [Finding("canary-wrong", "<work>", "x")], "test")
    text = path.read_text()
    assert "1 thing wrong now" in text
    assert "&lt;work&gt;" in text
    assert text.count("<svg") == 2
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "No canary has run yet" in page([], [], "test", datetime.now(UTC))


def test_configuration_is_one_file_and_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "watch.yaml"
    path.write_text("server: http://s/api\nstorage: /tmp/x\nexpected: {late: 60}\n")
    assert read(path, {}).expected.late == 60
    path.write_text("server: http://s/api\nstorage: /tmp/x\nexpected: {latest: 60}\n")
    with pytest.raises(ConfigurationError, match=r"expected\.latest"):
        read(path, {})
    with pytest.raises(ConfigurationError, match="PREFECT_API_URL is not set"):
        read(None, {})
    path.write_text("server: s\nstorage: x\nalerts: {webhook_variable: HOOK}\n")
    with pytest.raises(ConfigurationError, match="HOOK"):
        read(path, {}).webhook({})
    assert "hook.example" not in repr(read(path, {}).webhook({"HOOK": "https://hook.example/x"}))


@pytest.mark.parametrize("fault", get_args(Fault))
def test_every_fault_has_a_runbook_that_says_what_to_do(fault: str) -> None:
    book = Path(__file__).parents[3] / "docs" / "runbooks" / RUNBOOKS.get(fault, "canary.md")
    assert f"`{fault}`" in book.read_text()


def test_a_pool_that_is_used_and_has_no_worker_is_told() -> None:
    assert [one.fault for one in findings(seen(pool_workers={}), EXPECTED)] == ["worker-gone"]
