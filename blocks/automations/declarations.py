"""Automations as they are declared: one YAML file each.

    name: flow run crashed
    description: why it exists
    trigger: …                  # Prefect's own trigger
    subject: "[$environment] {{ flow.name }} crashed"
    body: …                     # Jinja, rendered by Prefect's server; $environment is ours
    notify:                     # for each environment, the notification blocks that say it
      production: [slack-channel/operations, jira-project/support]
    actions: […]                # further actions of Prefect's, if any

An environment that `notify` does not name does not have the automation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

import yaml

from blocks.registration.problems import DeclarationError, Problem

DECLARED = Path(__file__).parent / "declared"
"""Where the automations are."""

_REQUIRED = ("name", "trigger", "subject", "body", "notify")
_KEYS = frozenset({*_REQUIRED, "description", "actions", "enabled"})


@dataclass(frozen=True, slots=True)
class Declared:
    """An automation declared for an environment.

    Attributes:
        name: its whole name, prefix included.
        description: why it exists, and where it is declared.
        trigger: Prefect's trigger, as JSON.
        subject: template of the notification's subject.
        body: template of its text.
        notify: block documents (``type/name``) that send it.
        actions: further actions, as JSON.
        enabled: whether it is on; none leaves that to whoever switches it in the UI.
    """

    name: str
    description: str
    trigger: Mapping[str, Any]
    subject: str
    body: str
    notify: tuple[str, ...]
    actions: tuple[Mapping[str, Any], ...]
    enabled: bool | None


def prefix(environment: str) -> str:
    """Return what the names of an environment's automations begin with."""
    return f"dataweave {environment}: "


def read(environment: str, folder: Path = DECLARED) -> list[Declared]:
    """Return the automations of an environment, by name.

    Raises:
        DeclarationError: files that are no declarations.
    """
    problems: list[Problem] = []
    found: dict[str, Declared] = {}
    for path in sorted(folder.glob("*.yaml")):
        try:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            advice = f"Correct the YAML: {' '.join(str(error).split())}"
            problems.append(Problem(path.name, "", "cannot be read", advice))
            continue
        faults = list(_faults(raw, path.name))
        problems.extend(faults)
        if faults or environment not in raw["notify"]:
            continue
        one = _declared(raw, environment, path.name)
        if one.name in found:
            problem = f"another file declares {raw['name']!r} too"
            problems.append(Problem(path.name, "name", problem, "Give it a name of its own."))
        found[one.name] = one
    if problems:
        raise DeclarationError(problems)
    return [found[name] for name in sorted(found)]


def _declared(raw: Mapping[str, Any], environment: str, source: str) -> Declared:
    def filled(text: str) -> str:
        return Template(text).safe_substitute(environment=environment).strip()

    why = " ".join(str(raw.get("description", "")).split())
    return Declared(
        name=f"{prefix(environment)}{raw['name']}",
        description=f"{why} Declared in {source}: what is changed here is undone.".strip(),
        trigger=raw["trigger"],
        subject=filled(raw["subject"]),
        body=filled(raw["body"]),
        notify=tuple(raw["notify"][environment]),
        actions=tuple(raw.get("actions") or ()),
        enabled=raw.get("enabled"),
    )


def _faults(raw: object, where: str) -> Iterator[Problem]:
    if not isinstance(raw, dict):
        yield Problem(where, "", "is no mapping", f"Write {', '.join(_REQUIRED)}.")
        return
    for key in sorted(map(str, set(raw) - _KEYS)):
        yield Problem(where, key, "is not known", f"Known: {', '.join(sorted(_KEYS))}.")
    for key in _REQUIRED:
        if not raw.get(key):
            yield Problem(where, key, "is missing", "Write it.")
    for key in ("name", "subject", "body"):
        if key in raw and not isinstance(raw[key], str):
            yield Problem(where, key, "is no text", "Put it in quotes.")
    if raw.get("trigger") and not isinstance(raw["trigger"], dict):
        yield Problem(where, "trigger", "is no mapping", "Write Prefect's trigger.")
    notify = raw.get("notify")
    if notify and not (
        isinstance(notify, dict)
        and all(isinstance(refs, list) and refs for refs in notify.values())
    ):
        advice = "Write an environment and a list of block documents."
        yield Problem(where, "notify", "is no mapping of lists", advice)
