"""What the pages of the desk have in common: who, how far, and the task at hand."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Any, Final

from fastapi.responses import HTMLResponse

from flows.pipeline.verification import measures
from flows.pipeline.verification.answers import Given
from flows.pipeline.verification.errors import BadAnswer
from flows.pipeline.verification.rows import Decided, Held, Person
from flows.pipeline.verification.verdicts import BY_NAME
from flows.pipeline.verification.web.app import Office
from flows.pipeline.verification.web.pages import render
from flows.pipeline.verification.web.showing import sides

log = logging.getLogger("dataweave.review")

COUNTED_FOR: Final = 5.0
"""Seconds for which the queue's length is good: nobody decides by it."""


class View:
    """Makes the pages of the desk.

    Args:
        office: shared by the routes.
    """

    def __init__(self, office: Office) -> None:
        self.office = office
        self._lock = threading.Lock()
        self._counted: tuple[int, int] = (0, 0)
        self._until = 0.0

    def head(self, person: Person) -> dict[str, Any]:
        """Return what every page is given: the person, and how far everybody is."""
        today, seconds = measures.pace(self.office.database, person.name, self.office.clock())
        left, escalated = self._queue()
        return {
            "person": person,
            "csrf": self.office.people.csrf(person),
            "pace": measures.Pace(today, seconds, left, escalated),
        }

    def desk(
        self, person: Person, held: Held | None, template: str = "desk.html.j2", **more: Any
    ) -> HTMLResponse:
        """Return a page or part around a task.

        Args:
            person: whose desk.
            held: the task; None when nothing is left.
            template: of the page.
            more: what else it shows: ``done`` (the verdict just given), ``notice`` (an error to
                tell), ``corrects`` (the decision to be corrected).
        """
        values: dict[str, Any] = {"done": None, "notice": None, "corrects": None, **more}
        values |= {
            "held": held,
            "sides": sides(held.content) if held else [],
            "answer_id": uuid.uuid4().hex,
            "undo_id": uuid.uuid4().hex,
        }
        return HTMLResponse(render(template, **self.head(person), **values))

    def tell(self, decided: Decided) -> None:
        """Announce a decision; it is made whether or not anybody hears of it."""
        try:
            self.office.announce(decided)
        except Exception:
            log.exception("a decision could not be announced")

    def _queue(self) -> tuple[int, int]:
        with self._lock:
            if time.monotonic() >= self._until:
                self._counted = measures.queue(self.office.database)
                self._until = time.monotonic() + COUNTED_FOR
            return self._counted


def given(id_: str, verdict: str, sku: str | None, factor: str | None) -> Given:
    """Return an answer from the fields of the form, which sends more than the verdict needs."""
    known = BY_NAME.get(verdict)
    number: float | None = None
    if verdict == "different_pack":
        try:
            number = float((factor or "").replace(",", "."))
        except ValueError:
            raise BadAnswer(
                f"factor {factor!r} is no number",
                "Say how many of the competitor's packs make one of ours.",
            ) from None
    return Given(id_, verdict, sku if known and known.of_candidate else None, number)
