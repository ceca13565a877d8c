"""The page of what was measured."""

from __future__ import annotations

from typing import Any

GOALS = {"p50": 1.2, "p95": 2.0}


def page(results: dict[str, Any]) -> str:
    """Return the page."""
    rounds, runs, burst = results["rounds"], results["runs"], results["burst"]
    lines = [
        "# From trigger to running, and runs a minute",
        "",
        f"`make bench-worker`: {rounds} rounds in which the workers take turns on one Prefect"
        f" server with PostgreSQL; in each, {runs} single runs of a flow that does nothing, then"
        f" {burst} at once with `--limit 4`. {results['machine']['cores']} cores, shared by worker,"
        " runs, server and database. Seconds are from the request for a run to its state Running."
        f" The machine's load was {results['load']} when it began: below 0.5 it was idle.",
        "",
        "| worker | p50 | p95 | runs a minute |",
        "|---|---:|---:|---:|",
    ]
    for one in results["contenders"].values():
        lines.append(
            f"| {one['what']} | {_seconds(one['p50'])} | {_seconds(one['p95'])} |"
            f" {one['median_per_minute'] or '–'} |"
        )
    lines += ["", *_goals(results["contenders"]), *_memory(results["contenders"])]
    return "\n".join([*lines, *_leak(results["leak"])]).rstrip() + "\n"


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"


def _goals(found: dict[str, Any]) -> list[str]:
    warm, plain = found.get("warm"), found.get("process-1s") or found.get("process")
    if not warm or warm["p50"] is None:
        return []
    lines = [
        f"Goals of the warm worker: p50 ≤ 1.2 s ({_met(warm['p50'] <= GOALS['p50'])}),"
        f" p95 ≤ 2 s ({_met(warm['p95'] <= GOALS['p95'])})"
    ]
    if plain and plain["median_per_minute"] and warm["median_per_minute"]:
        times = warm["median_per_minute"] / plain["median_per_minute"]
        lines[0] += f", at least twice the runs a minute ({times:.1f} times: {_met(times >= 2)})"
    return [lines[0] + ".", ""]


def _met(yes: bool) -> str:
    return "met" if yes else "missed"


def _memory(found: dict[str, Any]) -> list[str]:
    lines = []
    for one in found.values():
        if one["memory"]:
            last = one["memory"][-1]
            lines.append(
                f"- {one['what']}: {last['interpreters']:.0f} interpreters, each"
                f" {last['rss']:.0f} MB resident ({last['pss']:.0f} MB its share);"
                f" {last['spares']:.0f} spares, each {last['spare_own']:.0f} MB of its own."
            )
    return ["Memory while idle (MB are 10^6 bytes):", "", *lines, ""] if lines else []


def _leak(found: list[dict[str, float]]) -> list[str]:
    if not found:
        return []
    lines = [
        f"{found[-1]['runs']:.0f} runs by one worker and one template, looked at when idle:",
        "",
        "| runs | worker MB | its descriptors | template MB | its descriptors | spares |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    for row in found:
        lines.append(
            f"| {row['runs']:.0f} | {row['worker']} | {row['worker_files']:.0f} |"
            f" {row['template']} | {row['template_files']:.0f} | {row['children']:.0f} |"
        )
    return lines
