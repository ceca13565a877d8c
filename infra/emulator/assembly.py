"""A cloud assembly's stacks and their resources, in the order in which they can be created."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from infra.emulator.intrinsics import references


class AssemblyError(ValueError):
    """There is no assembly where one was expected; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Stack:
    """A synthesised stack.

    Attributes:
        name: its name in AWS.
        account: its account's twelve digits.
        region: where it stands.
        folder: of its environment's assembly, where assets are named from.
        body: the template.
    """

    name: str
    account: str
    region: str
    folder: Path
    body: Mapping[str, Any]

    def ordered(self) -> list[str]:
        """Return logical ids, what is referred to before what refers to it."""
        resources = self.body["Resources"]
        graph = {}
        for logical, resource in resources.items():
            after = resource.get("DependsOn", [])
            after = [after] if isinstance(after, str) else after
            inside = {name for name, _ in references(resource.get("Properties", {}))}
            graph[logical] = sorted((inside | set(after)) & set(resources) - {logical})
        return list(TopologicalSorter(graph).static_order())

    def asked(self) -> dict[str, set[str]]:
        """Return, by logical id, the attributes that the template asks of it."""
        found: dict[str, set[str]] = {}
        for part in (self.body["Resources"], self.body.get("Outputs", {})):
            for logical, attribute in references(part):
                if attribute:
                    found.setdefault(logical, set()).add(attribute)
        return found


def environments(out: Path) -> dict[str, list[Stack]]:
    """Read an assembly: each environment's stacks, each after those that it depends on.

    Args:
        out: folder of the assembly, as ``make synth`` leaves it.

    Raises:
        AssemblyError: nothing has been synthesised there.
    """
    found: dict[str, list[Stack]] = {}
    for manifest in sorted(out.glob("assembly-*/manifest.json")):
        artifacts = json.loads(manifest.read_text(encoding="utf-8"))["artifacts"]
        stacks = {
            name: one
            for name, one in artifacts.items()
            if one["type"] == "aws:cloudformation:stack"
        }
        graph = {
            name: sorted(set(one.get("dependencies", [])) & set(stacks))
            for name, one in sorted(stacks.items())
        }
        environment = manifest.parent.name.removeprefix("assembly-")
        found[environment] = [
            _stack(manifest.parent, stacks[name])
            for name in TopologicalSorter(graph).static_order()
        ]
    if not found:
        raise AssemblyError(f"{out} holds no templates\nSynthesise them first: make synth")
    return found


def _stack(folder: Path, artifact: Mapping[str, Any]) -> Stack:
    properties = artifact["properties"]
    account, region = artifact["environment"].removeprefix("aws://").split("/")
    body = json.loads((folder / properties["templateFile"]).read_text(encoding="utf-8"))
    return Stack(properties["stackName"], account, region, folder, body)
