"""What was announced of a run, told to Prefect's server: its automations stay silent about it.

A run that fails announces itself, and has not failed yet at that moment: so it is noted here, and
told in an ``on_failure`` hook (`tell_failed`), which Prefect calls when the state has changed. The
watch tells of late, stuck, overrunning and crashed runs at once.

Where Prefect's events are off nothing is told, and there are no automations that would listen.
"""

from __future__ import annotations

import logging
from typing import Any

from blocks.automations.events import said

log = logging.getLogger("dataweave.notices")

_announced: set[str] = set()
"""Runs of this process whose failure was kept for Slack or Jira; a process has few runs."""


def note(run_id: str) -> None:
    """Note that a run has announced its failure."""
    _announced.add(run_id)


def tell_failed(flow: Any, flow_run: Any, state: Any) -> None:
    """Tell that a run has announced its failure, if it has: a hook for ``on_failure``."""
    if str(flow_run.id) in _announced and flow_run.deployment_id is not None:
        tell(str(flow_run.id), str(flow_run.deployment_id), str(flow_run.flow_id))


def tell(run_id: str, deployment_id: str, flow_id: str) -> None:
    """Tell that somebody was told of a run's trouble."""
    from prefect.events import emit_event

    try:
        emit_event(**said(run_id, deployment_id, flow_id))
    except Exception as error:
        # Then it is said twice, by the automation too.
        log.warning("Prefect could not be told that run %s was announced: %s", run_id, error)
