"""The canary: the way that it takes, what it leaves, what it says of wrong arithmetic."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import canary.flow as canary_flow
from canary.flow import canary
from canary.load import PARTS, expected, numbers, part_sum
from canary.record import FOLDER, CanaryRecord, records
from sdk import prefect2
from sdk.storage import storage
from sdk.testing.platform import Platform, platform, prefect_api

__all__ = ["platform", "prefect_api"]

DAY = date(2026, 8, 15)


@settings(max_examples=10)
@given(st.integers(0, 2**62))
def test_frames_and_plain_arithmetic_agree(seed: int) -> None:
    frame = numbers(seed)
    assert sum(part_sum(frame, part) for part in range(PARTS)) == expected(seed)


def test_a_run_takes_the_real_way_and_leaves_a_record(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = datetime.now(UTC) - timedelta(seconds=40)
    monkeypatch.setattr(prefect2, "scheduled_start", lambda: due)
    ran = platform.run(canary, name="work", heavy=True, day=DAY)
    assert ran.state == "Completed", ran.error
    root = storage(platform.settings.storage)
    [record] = records(root, "work", 10)
    assert record.right
    assert set(record.results) == {"elsewhere", "mapped"}
    assert record.expected == ran.value
    assert record.notice is True
    assert 40 <= record.waited < 3600
    assert record.ended > record.begun
    # A dataset was written and read, and nothing of the notice in test mode is left.
    sums = platform.dataset(customer="canary", name="canary_sums", day=DAY)
    assert sums is not None
    assert sums.frame().height == PARTS
    assert root.names(f"{FOLDER}/notices") == []
    assert {one.step for one in ran.records} >= {"make_numbers", "sum_parts"}


def test_a_platform_that_computes_something_else_fails_it_and_is_recorded(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary_flow, "expected", lambda seed: expected(seed) + 1)
    ran = platform.run(canary, name="realtime", heavy=False, day=DAY)
    assert ran.state == "Failed"
    assert "expected" in str(ran.error)
    [record] = records(storage(platform.settings.storage), "realtime", 10)
    assert not record.right  # the watch reads it: canary-wrong


def test_a_record_that_cannot_be_read_is_left_out(platform: Platform) -> None:
    root = storage(platform.settings.storage)
    now = datetime.now(UTC)
    good = CanaryRecord(name="work", run="r", due=now, begun=now, ended=now, expected=1,
                        results={"mapped": 1}, notice=True)  # fmt: skip
    root.put(f"{FOLDER}/work/1.json", good.model_dump_json().encode())
    root.put(f"{FOLDER}/work/2.json", b"{")
    root.put(f"{FOLDER}/work/3.json", json.dumps({"name": "work"}).encode())
    assert records(root, "work", 10) == [good]
