"""The function that CodeDeploy calls at a deployment's events.

It notes where CodeDeploy stands and waits, and then is a driver like any other for as long as it
has time: with the same plan, state and lease. Where another driver is at work that one sees the
note. An event that is delivered twice is noted once; one of a deployment that no driver has noted
yet is kept for it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from infra.release.aws.appspec import OVER, UP
from infra.release.aws.controller import DOCUMENT
from infra.release.driver import Pace, under_way
from infra.release.store import ConflictError, HeldError, Store

BEFORE_TIMEOUT: Final = 120.0
"""Seconds of its time that the function keeps: a step that was begun is noted by then."""

log = logging.getLogger("infra.release")


def note(store: Store, deployment: str, execution: str, event: str) -> bool:
    """Note that CodeDeploy waits at an event; say whether that was news."""
    if event not in (UP, OVER):
        raise ValueError(f"{event} is no event of ours: {UP}, {OVER}")
    while True:
        found = store.read(DOCUMENT)
        value = found.value
        known = value.get("deployment") == deployment
        early = dict(value.get("early", {}))
        hooks = dict(value.get("hooks", {}) if known else early.get(deployment, {}))
        if hooks.get(event) == execution:
            return False
        hooks[event] = execution
        early |= {} if known else {deployment: hooks}
        changed = {"hooks": hooks} if known else {"early": early}
        try:
            store.write(DOCUMENT, {**value, **changed}, found.revision)
        except ConflictError:
            continue
        return True


def answer(
    event: Mapping[str, Any], which: str, store: Store, go_on: Callable[[Pace], object], left: float
) -> dict[str, Any]:
    """Note an event and go on with the release.

    Args:
        event: ``DeploymentId`` and ``LifecycleEventHookExecutionId``.
        which: the lifecycle event.
        store: of releases.
        go_on: drives, for the pace's patience.
        left: seconds that the function has.
    """
    deployment = str(event["DeploymentId"])
    news = note(store, deployment, str(event["LifecycleEventHookExecutionId"]), which)
    if under_way(store) is not None and left > BEFORE_TIMEOUT:
        try:
            go_on(Pace(pause=5.0, patience=left - BEFORE_TIMEOUT))
        except (HeldError, ConflictError) as error:
            log.info("another driver goes on: %s", error)
    return {"deployment": deployment, "event": which, "news": news}


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Be called by CodeDeploy, which does not say at which event: each has its own function."""
    from infra.release.aws.hands import Account, account_hands, account_store
    from infra.release.driver import drive

    account = Account.read(Path(os.environ["DATAWEAVE_RELEASE_ACCOUNT"]))
    store = account_store(account)
    which = os.environ["DATAWEAVE_RELEASE_EVENT"]
    left = context.get_remaining_time_in_millis() / 1000
    hands = account_hands(account)
    return answer(event, which, store, lambda pace: drive(store, hands, None, pace), left)
