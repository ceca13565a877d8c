"""What has to change for a server's automations to be those that are declared. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.events.schemas.automations import (
    Automation,
    AutomationCore,
    CompoundTrigger,
    EventTrigger,
    MetricTrigger,
    SequenceTrigger,
    Trigger,
)
from pydantic.v1 import ValidationError

from blocks.automations.declarations import Declared
from blocks.registration.plan import Change, Kind
from blocks.registration.problems import DeclarationError, Problem

_TRIGGERS: dict[str, type[Trigger]] = {
    "event": EventTrigger,
    "metric": MetricTrigger,
    "compound": CompoundTrigger,
    "sequence": SequenceTrigger,
}
_COMPARED = ("description", "trigger", "actions", "actions_on_trigger", "actions_on_resolve")


@dataclass(frozen=True, slots=True)
class Step:
    """A change, with what it takes: the automation to write, the id of the one that is there."""

    change: Change
    automation: AutomationCore | None
    id: UUID | None


def wanted(declared: Iterable[Declared], documents: Mapping[str, UUID]) -> list[AutomationCore]:
    """Return declarations as Prefect's automations.

    Args:
        declared: what is declared.
        documents: ids of the block documents on the server, by ``type/name``.

    Raises:
        DeclarationError: a document that the server lacks, or what Prefect does not take.
    """
    problems: list[Problem] = []
    made = []
    for one in declared:
        missing = [ref for ref in one.notify if ref not in documents]
        for ref in missing:
            advice = "Register it first: python -m blocks register."
            problems.append(Problem(one.name, "notify", f"the server has no {ref}", advice))
        if missing:
            continue
        try:
            made.append(_automation(one, documents))
        except ValidationError as error:
            for found in error.errors():
                parts = [str(part) for part in found["loc"] if part != "__root__"]
                field = ".".join(parts) or "trigger"
                advice = "See Prefect's schema of automations."
                problems.append(Problem(one.name, field, str(found["msg"]), advice))
    if problems:
        raise DeclarationError(problems)
    return made


def plan(
    declared: Iterable[AutomationCore],
    existing: Iterable[Automation],
    prefix: str,
    switched: Iterable[str] = (),
) -> list[Step]:
    """Compare; what is ours and no longer declared, or there twice, is removed.

    Args:
        declared: what is to be.
        existing: everything that the server has.
        prefix: which of it is ours.
        switched: names of those whose being on or off is declared too.
    """
    ours: dict[str, list[Automation]] = {}
    for held in sorted(existing, key=lambda a: (a.name, str(a.id))):
        if held.name.startswith(prefix):
            ours.setdefault(held.name, []).append(held)
    steps = []
    for automation in sorted(declared, key=lambda a: a.name):
        there = ours.get(automation.name, [])
        steps.append(
            _step(automation, there.pop(0) if there else None, automation.name in switched)
        )
    for name in sorted(ours):
        steps.extend(Step(Change("remove", name), None, old.id) for old in ours[name])
    return steps


def _step(automation: AutomationCore, there: Automation | None, switched: bool) -> Step:
    if there is None:
        return Step(Change("create", automation.name), automation, None)
    if not switched:
        automation = automation.copy(update={"enabled": there.enabled})
    fields = (*_COMPARED, "enabled")
    differing = [name for name in fields if getattr(automation, name) != getattr(there, name)]
    kind: Kind = "update" if differing else "same"
    return Step(Change(kind, automation.name, tuple(differing)), automation, there.id)


def _automation(one: Declared, documents: Mapping[str, UUID]) -> AutomationCore:
    said = [
        {
            "type": "send-notification",
            "block_document_id": documents[ref],
            "subject": one.subject,
            "body": one.body,
        }
        for ref in one.notify
    ]
    # Read by its own type: Prefect would tell why it is none of the other three as well.
    trigger = _TRIGGERS.get(str(one.trigger.get("type")), EventTrigger).parse_obj(one.trigger)
    fields: dict[str, Any] = {
        "name": one.name,
        "description": one.description,
        "enabled": one.enabled is not False,
        "trigger": trigger,
        "actions": [*said, *one.actions],
    }
    return AutomationCore.parse_obj(fields)
