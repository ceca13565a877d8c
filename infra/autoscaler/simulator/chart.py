"""The frontier as a picture: cost against p95 wait, one line a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import altair as alt

from infra.autoscaler.simulator.study import Point, efficient


def draw(points: Mapping[str, Sequence[Point]], path: Path, title: str) -> None:
    """Write the chart as SVG; the usual setting of each policy is the larger mark."""
    rows = [
        {
            "policy": name,
            "p95 wait (s)": point.p95_wait_s,
            "worker-hours": point.worker_hours,
            "usual": point is found[0],
        }
        for name, found in points.items()
        for point in found
        if point in efficient(found) or point is found[0]
    ]
    data = alt.InlineData(values=rows)
    base = alt.Chart(data).encode(
        x=alt.X("p95 wait (s):Q", scale=alt.Scale(type="symlog", constant=10)),
        y=alt.Y("worker-hours:Q", scale=alt.Scale(zero=False)),
        color=alt.Color("policy:N", sort=None),
    )
    marks = base.mark_point(filled=True).encode(
        size=alt.condition("datum.usual", alt.value(120), alt.value(30)),
        shape=alt.Shape("policy:N", sort=None),
    )
    chart = (base.mark_line() + marks).properties(width=640, height=400, title=title)
    chart.save(str(path), format="svg")
