"""The canary's page: what is wrong now, and how its last days went, in plots.

One file of HTML with the plots inside it; it fetches nothing and needs no script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import altair as alt
import polars as pl
import vl_convert
from jinja2 import Environment

from canary.record import FOLDER, CanaryRecord, records
from canary.watch.snapshot import Finding
from sdk.storage import Storage

SHOWN = 48 * 7
"""Runs of each canary on the page: a week of them, one every half hour."""

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Canary, {{ environment }}</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem;
         padding: 0 1rem; color: #1f2933 }
  table { border-collapse: collapse; width: 100% }
  th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #e4e7eb }
  .bad { color: #b03a00; font-weight: 600 } .good { color: #0f6b3c; font-weight: 600 }
  svg { max-width: 100%; height: auto }
</style>
<h1>Canary</h1>
<p>{{ environment }}, as of {{ now }} UTC</p>
{% if findings %}
<h2 class="bad">{{ findings|length }} thing{{ "" if findings|length == 1 else "s" }} wrong now</h2>
<table><tr><th>fault<th>with<th>what is seen</tr>
{% for one in findings %}<tr><td>{{ one.fault }}<td>{{ one.subject }}<td>{{ one.detail }}</tr>
{% endfor %}</table>
{% else %}<h2 class="good">Nothing wrong is seen</h2>{% endif %}
<h2>Latest runs</h2>
{% if latest %}
<table><tr><th>canary<th>due<th>waited<th>worked<th>result</tr>
{% for one in latest %}<tr><td>{{ one.name }}<td>{{ one.due.strftime("%Y-%m-%d %H:%M:%S") }}
<td>{{ "%.1f s"|format(one.waited) }}<td>{{ "%.1f s"|format(one.seconds) }}
<td class="{{ 'good' if one.right else 'bad' }}">{{ "right" if one.right else "wrong" }}</tr>
{% endfor %}</table>
{% else %}<p>No canary has run yet.</p>{% endif %}
{% for title, plot in plots %}<h2>{{ title }}</h2>{{ plot|safe }}{% endfor %}
</html>
"""


def write_page(folder: Path, root: Storage, findings: Sequence[Finding], environment: str) -> Path:
    """Write the page, whole or not at all; return its path.

    Args:
        folder: where it is written, as ``index.html``.
        root: of the canaries' records.
        findings: what is wrong now.
        environment: named on it.
    """
    names = [name for name in root.names(FOLDER) if name != "notices"]
    found = {name: records(root, name, SHOWN) for name in names}
    text = page(found.values(), findings, environment, datetime.now(UTC))
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / ".index.html"
    fresh.write_text(text, encoding="utf-8")
    return fresh.replace(folder / "index.html")


def page(
    runs: Iterable[Sequence[CanaryRecord]],
    findings: Sequence[Finding],
    environment: str,
    now: datetime,
) -> str:
    """Return the page's HTML; what is data is escaped."""
    kept = [series for series in runs if series]
    every = [record for series in kept for record in series]
    plots = []
    if every:
        plots = [
            ("Seconds from due to begun", _plot(every, "waited")),
            ("Seconds of work", _plot(every, "seconds")),
        ]
    template = Environment(autoescape=True).from_string(_PAGE)
    return template.render(
        environment=environment,
        now=f"{now:%Y-%m-%d %H:%M:%S}",
        findings=findings,
        latest=[series[-1] for series in kept],
        plots=plots,
    )


def _plot(every: Sequence[CanaryRecord], figure: str) -> str:
    rows = pl.DataFrame(
        {
            "canary": [record.name for record in every],
            "due": [record.due for record in every],
            "seconds": [getattr(record, figure) for record in every],
            "result": ["right" if record.right else "wrong" for record in every],
        }
    )
    chart = (
        alt.Chart(rows.with_columns(pl.col("due").dt.strftime("%Y-%m-%dT%H:%M:%SZ")))
        .mark_point(filled=True, size=40)
        .encode(
            x=alt.X("due:T", title=None),
            y=alt.Y("seconds:Q", title="seconds"),
            color=alt.Color("canary:N", scale=alt.Scale(scheme="viridis")),
            shape=alt.Shape("result:N", scale=alt.Scale(domain=["right", "wrong"])),
        )
        .properties(width=720, height=180)
    )
    drawn: str = vl_convert.vegalite_to_svg(chart.to_json())
    return drawn
