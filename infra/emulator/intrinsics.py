"""CloudFormation's intrinsic functions, resolved against what has been created. Pure.

Only the functions that the templates use. A reference to something that could not be created
becomes a stand-in, so that what depends on it can still be tried.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


class UnknownFunctionError(ValueError):
    """A template uses a function that is not resolved here; the message names it."""


@dataclass(slots=True)
class Known:
    """What references resolve to, within one stack.

    Attributes:
        pseudo: pseudo parameters and parameters by name.
        ids: physical ids by logical id.
        attributes: by logical id and attribute.
        exports: values of all stacks' exports by name.
        unsure: exports whose value rests on a stand-in.
        assumed: references for which a stand-in was given.
    """

    pseudo: Mapping[str, Any]
    exports: Mapping[str, Any]
    unsure: set[str] = field(default_factory=set)
    ids: dict[str, str] = field(default_factory=dict)
    attributes: dict[tuple[str, str], Any] = field(default_factory=dict)
    assumed: set[str] = field(default_factory=set)

    def stand_in(self, what: str) -> str:
        """Return a value for what is not there, and note it."""
        self.assumed.add(what)
        name = what.replace(".", "-").replace(":", "-")
        if what.rpartition(".")[2].lower().endswith("arn"):
            region, account = self.pseudo["AWS::Region"], self.pseudo["AWS::AccountId"]
            return f"arn:aws:emulated:{region}:{account}:{name}"
        return name


def resolve(value: Any, known: Known) -> Any:
    """Return a value with every function in it resolved.

    Args:
        value: any part of a template.
        known: what references resolve to; stand-ins are noted in it.

    Raises:
        UnknownFunctionError: a function that no template used so far.
    """
    if isinstance(value, list):
        return [found for one in value if (found := resolve(one, known)) is not None]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1:
        name, argument = next(iter(value.items()))
        if name == "Ref" or name.startswith("Fn::"):
            return _function(name, argument, known)
    return {key: found for key, v in value.items() if (found := resolve(v, known)) is not None}


def _function(name: str, argument: Any, known: Known) -> Any:
    if name == "Ref":
        if argument in known.pseudo:
            return known.pseudo[argument]
        return known.ids.get(argument) or known.stand_in(argument)
    if name == "Fn::GetAtt":
        logical, attribute = argument
        found = known.attributes.get((logical, attribute))
        return known.stand_in(f"{logical}.{attribute}") if found is None else found
    if name == "Fn::ImportValue":
        export = resolve(argument, known)
        known.assumed |= {export} & known.unsure
        return known.exports[export] if export in known.exports else known.stand_in(export)
    if name == "Fn::Join":
        return argument[0].join(str(part) for part in resolve(argument[1], known))
    if name == "Fn::Split":
        return str(resolve(argument[1], known)).split(argument[0])
    if name == "Fn::Select":
        parts = resolve(argument[1], known)
        # A stand-in has fewer parts than what it stands for.
        return parts[min(int(argument[0]), len(parts) - 1)]
    if name == "Fn::Base64":
        return {name: resolve(argument, known)}
    raise UnknownFunctionError(f"{name} is not resolved here; add it to intrinsics.py")


def references(value: Any) -> Iterator[tuple[str, str]]:
    """Yield logical id and attribute ("" for the id itself) of every reference in a value."""
    if isinstance(value, list):
        for one in value:
            yield from references(one)
    elif isinstance(value, Mapping):
        if set(value) == {"Ref"}:
            yield value["Ref"], ""
        elif set(value) == {"Fn::GetAtt"}:
            yield value["Fn::GetAtt"][0], value["Fn::GetAtt"][1]
        else:
            for one in value.values():
                yield from references(one)
