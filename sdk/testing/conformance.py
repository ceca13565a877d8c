"""Conformance: what every customer's flow has to be, checked before it is deployed.

Not style: each rule keeps something working that nobody sees in the flow itself. Notices need an
owner, priorities a tier, the watch a deadline; a schedule passes no parameters, so each needs a
default; the day decides under which key everything is published; and a deployment is made, listed
and tested by importing its file, so that importing must do nothing.

What it does not do: it runs no flow and knows no customer.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_type_hints

import yaml
from pydantic import SecretStr, TypeAdapter
from pydantic.errors import PydanticUserError

from sdk import prefect2
from sdk.body import FlowOptions
from sdk.flows import CustomerFlow
from sdk.running.rules import unknown_tags
from sdk.testing.importing import work_at_import

TIERS = frozenset({"gold", "silver", "bronze"})
TAGS = TIERS | {
    # how often
    "realtime",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    # where it comes from
    "backfill",
    "canary",
    "crontab",
    "operations",
}
"""Every tag that a deployment may carry. Closed, because dashboards, automations and limits filter
by tags, and find nothing under a misspelt one. This is the one place to add to."""

MOST_LINES = 60
"""Of a customer's file: what fits on a screen is read before it is changed. Longer ones hold work
that belongs to a stage in flows/pipeline/."""


def assert_flow_conforms(flow: object, *, tags: Iterable[str] | None = None) -> None:
    """Assert that a customer's flow is what the platform needs it to be.

    Args:
        flow: made with ``@sdk.flow(customer=…, …)``.
        tags: of its deployments; by default those in the prefect.yaml above its file.

    Raises:
        AssertionError: names every rule that is broken, and what to do.
    """
    problems = list(problems_of(flow, tags=tags))
    if problems:
        name = getattr(flow, "name", repr(flow))
        listed = "".join(f"\n- {problem}" for problem in problems)
        raise AssertionError(f"flow {name} does not conform:{listed}")


def problems_of(flow: object, *, tags: Iterable[str] | None = None) -> Iterator[str]:
    """Yield what is wrong with a flow, each in words that say what to do."""
    if not isinstance(flow, CustomerFlow) or flow.options is None:
        yield "it is no flow of the SDK: decorate it with @sdk.flow(customer=…, owner=…, …)"
        return
    yield from _options(flow.options)
    function = prefect2.function_of(flow)
    yield from _parameters(flow, function)
    file = Path(inspect.getsourcefile(function) or "")
    found = deployment_tags(file, function.__name__) if tags is None else set(tags)
    yield from _tags(found, flow.options.tier)
    lines = len(file.read_text(encoding="utf-8").splitlines())
    if lines >= MOST_LINES:
        yield (
            f"{file.name} has {lines} lines and may have {MOST_LINES - 1}: move what it computes"
            " into a stage of flows/pipeline/, and keep which stages, in which order, here"
        )
    for event in work_at_import(file, function.__module__):
        yield f"importing {file.name} {event}: move that into a step, or into the flow's body"


def _options(options: FlowOptions) -> Iterator[str]:
    needed = {
        "customer": "whose data it makes",
        "owner": "the team that is told when it fails",
        "tier": "gold, silver or bronze: how much it matters",
        "deadline": 'such as "90m": when the watch is to say that it is late',
    }
    for name, meaning in needed.items():
        if not getattr(options, name):
            yield f"it has no {name}: say @flow({name}=…), {meaning}"


def _parameters(flow: CustomerFlow[..., Any], function: Any) -> Iterator[str]:
    try:
        hints = get_type_hints(function)
    except NameError as error:
        yield f"its annotations cannot be read ({error}): import what they name"
        return
    parameters = inspect.signature(function).parameters
    if "day" not in parameters:
        yield "it has no day: add the parameter `day: date | None = None`, and pass it to the steps"
    for name, parameter in parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            yield f"parameter {parameter}: name each one, since a deployment's form shows names"
        elif name not in hints:
            yield f"parameter {name} has no type: annotate it, since Prefect validates by types"
        elif name == "day":
            if hints[name] != (date | None) or parameter.default is not None:
                yield (
                    "its day must be `day: date | None = None`: a run that is told no day is of"
                    " the day on which it was due"
                )
        elif parameter.default is parameter.empty:
            yield f"parameter {name} has no default: a schedule passes nothing, so give it one"
        else:
            yield from _default(name, hints[name], parameter.default)
    try:
        json.dumps(flow.parameters.dict())  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as error:
        yield f"its parameters cannot be shown as a form ({error}): use types that JSON has"


def _default(name: str, hint: Any, default: Any) -> Iterator[str]:
    """Yield what is wrong with a default: it must survive the way to the server and back."""
    if isinstance(default, SecretStr):
        yield f"parameter {name} holds a secret: take it from a block where it is needed"
        return
    try:
        adapter = TypeAdapter(hint)
        same = adapter.validate_json(adapter.dump_json(default, warnings="error")) == default
    except (ValueError, PydanticUserError) as error:
        said = str(error).splitlines()[0]
        yield f"parameter {name} does not serialise ({said}): use text, numbers, dates or lists"
        return
    if not same:
        yield f"parameter {name} is not the same after JSON: use text, numbers, dates or lists"


def _tags(tags: set[str], tier: str | None) -> Iterator[str]:
    for tag in sorted(set(unknown_tags(tags)) - TAGS):
        yield f"tag {tag!r} of its deployment is not known: use one of {', '.join(sorted(TAGS))}"
    for tag in sorted((tags & TIERS) - {tier}):
        yield f"its deployment is tagged {tag!r} and its tier is {tier!r}: make them the same"


def deployment_tags(file: Path, function: str) -> set[str]:
    """Return the tags of a flow's deployments in the prefect.yaml above its file; none if none."""
    for folder in file.resolve().parents:
        document = folder / "prefect.yaml"
        if not document.is_file():
            continue
        entrypoint = f"{file.resolve().relative_to(folder).as_posix()}:{function}"
        deployments = (yaml.safe_load(document.read_text(encoding="utf-8")) or {}).get(
            "deployments"
        )
        return {
            str(tag)
            for item in deployments or []
            if item.get("entrypoint") == entrypoint
            for tag in item.get("tags") or []
        }
    return set()
