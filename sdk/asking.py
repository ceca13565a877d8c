"""Asking a person in Prefect's own UI: a run pauses, somebody resumes it with an answer.

`RunInput` and pausing for it are Prefect 2's (in 3 they live elsewhere); they are used here and
nowhere else. A paused run blocks its process, so this is for short flows of their own, never for a
step in the middle of a day. A question that nobody answers fails its run: what waits for the answer
must be safe without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from prefect import pause_flow_run
from prefect.exceptions import FailedRun, FlowPauseTimeout
from prefect.input import RunInput

from sdk.errors import Permanent

POLL_SECONDS = 5
"""How often the paused run looks for its answer."""


@dataclass(frozen=True)
class Answer:
    """What was chosen, and by whom, as that person wrote it."""

    choice: str
    by: str


def ask(
    question: str, choices: tuple[str, ...], *, within: timedelta, poll_seconds: int = POLL_SECONDS
) -> Answer:
    """Pause the running flow until somebody has chosen.

    Args:
        question: shown beside the form, Markdown.
        choices: what can be chosen.
        within: how long it may take.
        poll_seconds: how often to look for the answer.

    Raises:
        Permanent: nobody answered in time.
    """
    fields: dict[str, Any] = {"choice": Literal[choices], "by": str}
    asked: Any = type(
        "Choice", (RunInput,), {"__annotations__": fields, "__module__": __name__, "by": ""}
    )
    form = asked.with_initial_data(description=question)
    try:
        given: Any = pause_flow_run(
            wait_for_input=form,
            timeout=int(within.total_seconds()),
            poll_interval=poll_seconds,
        )
    except (FlowPauseTimeout, FailedRun) as error:  # the server may be first to see the end
        raise Permanent(
            f"nobody chose within {within}: {question.splitlines()[0]}",
            "Run it again when somebody is there; nothing was changed.",
        ) from error
    return Answer(given.choice, given.by)
