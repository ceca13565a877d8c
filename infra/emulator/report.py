"""What became of the resources, as a page: every type, and each one that is not there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from infra.emulator.walk import Outcome

HEAD = """# The templates on an emulator

Made by `make emulate`; changes here are lost. Every resource of the synthesised templates was asked
of a moto server ({version}) over HTTP, each environment in an account of its own: from its template
where the emulator's CloudFormation knows the type, else by the request of its service. What was
created was asked back from its service where that has a request for it.

This says that the templates are consistent and that these requests are accepted; it does not say
what AWS itself would refuse. moto evaluates no alarms, runs no functions and has no lifecycles of
machines: those have a stand-in of their own (`infra/testing/group.py`).

"""


def page(outcomes: Sequence[Outcome], version: str) -> str:
    """Write the report.

    Args:
        outcomes: of all environments.
        version: of the emulator.
    """
    return HEAD.format(version=version) + "\n".join(
        [*_environments(outcomes), *_types(outcomes), *_absent(outcomes), *_attributes(outcomes)]
    )


def _environments(outcomes: Sequence[Outcome]) -> list[str]:
    lines = [
        "| environment | resources | from the template | by a request | shown by the service | "
        "refused | unknown |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in dict.fromkeys(outcome.environment for outcome in outcomes):
        own = [outcome for outcome in outcomes if outcome.environment == name]
        how = Counter(outcome.how for outcome in own)
        shown = sum(outcome.read is True for outcome in own)
        lines.append(
            f"| {name} | {len(own)} | {how['template']} | {how['request']} | {shown} | "
            f"{how['refused']} | {how['unknown']} |"
        )
    return lines


def _types(outcomes: Sequence[Outcome]) -> list[str]:
    lines = ["", "## By type", "", "| type | resources | created | how | shown |",
             "|---|---:|---:|---|---:|"]  # fmt: skip
    by_type: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_type[outcome.type].append(outcome)
    for type, own in sorted(by_type.items()):
        made = [outcome for outcome in own if outcome.created]
        how = ", ".join(sorted({outcome.how for outcome in made})) or "—"
        asked = [outcome for outcome in made if outcome.read is not None]
        shown = sum(outcome.read is True for outcome in asked) if asked else "not asked"
        lines.append(f"| {type} | {len(own)} | {len(made)} | {how} | {shown} |")
    return lines


def _absent(outcomes: Sequence[Outcome]) -> list[str]:
    lines = ["", "## What is not there, and why", ""]
    reasons: dict[tuple[str, str], int] = Counter(
        (outcome.type, outcome.reason)
        for outcome in outcomes
        if not outcome.created or outcome.read is False
    )
    lines += ["| type | how often | reason |", "|---|---:|---|"]
    lines += [
        f"| {type} | {times} | {reason.replace('|', '/')} |"
        for (type, reason), times in sorted(reasons.items())
    ]
    return lines if reasons else [*lines[:2], "", "Everything is there."]


def _attributes(outcomes: Sequence[Outcome]) -> list[str]:
    lines = ["", "## What others refer to and the emulator does not have", "",
             "A stand-in was given where a template asks for one of these.", ""]  # fmt: skip
    found = sorted({f"`{o.type}`: `{name}`" for o in outcomes for name in o.missing})
    unsure = sum(bool(outcome.assumed) for outcome in outcomes)
    lines += [f"- {one}" for one in found] or ["- nothing"]
    return [
        *lines,
        "",
        f"{unsure} resources were created, or refused, with a stand-in in them.",
        "",
    ]
