"""A picture of releases: when each step was under way, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from infra.release.model import Record

WIDTH, LEFT, ROW, TOP = 900, 230, 20, 46
COLOURS = {"done": "#2b7a4b", "fail": "#b3261e", "back": "#8a6d1d"}


def steps(record: Record) -> list[tuple[str, float, float, str]]:
    """Return the steps: name, begin and end in seconds from the release's, how they ended."""
    zero, begun = record.begun, record.begun
    found = []
    for event in record.events:
        if event.kind in {"done", "fail"} and event.step:
            kind = "back" if event.kind == "done" and event.step.startswith("back") else event.kind
            found.append((event.step, begun - zero, event.at - zero, kind))
            begun = event.at
    return found


def picture(records: Sequence[tuple[str, Record]]) -> str:
    """Return an SVG of releases, one below the other, on one scale.

    Args:
        records: title and release.
    """
    longest = max(end for _, record in records for _, _, end, _ in steps(record)) or 1.0
    scale = (WIDTH - LEFT - 70) / longest
    parts: list[str] = []
    y = 0
    for title, record in records:
        parts.append(f'<text x="10" y="{y + 28}" font-size="15" font-weight="600">'
                     f"{escape(title)}</text>")  # fmt: skip
        y += TOP
        for name, begin, end, kind in steps(record):
            x, width = LEFT + begin * scale, max(2.0, (end - begin) * scale)
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 14}" text-anchor="end">{escape(name)}</text>'
                f'<rect x="{x:.1f}" y="{y + 3}" width="{width:.1f}" height="13" rx="2" '
                f'fill="{COLOURS[kind]}"><title>{escape(name)}: {end - begin:.1f} s</title></rect>'
                f'<text x="{x + width + 5:.1f}" y="{y + 14}" fill="#555">{end - begin:.1f} s</text>'
            )
            y += ROW
        y += 14
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" '
            'font-family="system-ui, sans-serif" font-size="12" role="img" '
            'aria-label="Steps of releases over time">')  # fmt: skip
    return f'{head}<rect width="{WIDTH}" height="{y}" fill="#fff"/>{"".join(parts)}</svg>\n'
