"""What a run starts is run by its own version: on queues of its worker's colour."""

from __future__ import annotations

import pytest

from sdk.deployments import pinned


@pytest.mark.parametrize(
    ("queue", "colour", "goes_to"),
    [
        ("work", "blue", "work-blue"),
        ("work-green", "blue", "work-blue"),
        ("work-blue", "blue", "work-blue"),
        ("near-real-time", "green", "near-real-time-green"),
        ("work-green", None, "work-green"),
        ("blue", "green", "blue-green"),
        (None, "blue", None),
    ],
)
def test_a_child_stays_on_its_parents_colour(
    queue: str | None, colour: str | None, goes_to: str | None
) -> None:
    assert pinned(queue, colour) == goes_to
