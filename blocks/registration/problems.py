"""What is wrong with declarations: where, in which field, what to do; all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        where: the document (``slack-channel/operations``), automation or file.
        field: the field of it; empty where it is the whole.
        problem: what is wrong.
        advice: what to do.
    """

    where: str
    field: str
    problem: str
    advice: str

    def __str__(self) -> str:
        place = f"{self.where}, {self.field}" if self.field else self.where
        return f"{place}: {self.problem}\n  {self.advice}"


class DeclarationError(Exception):
    """Declarations that cannot be carried out; nothing was written."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(map(str, self.problems)))
