"""How `notify` is carried out: off the event loop, and more than once when that may help.

Prefect's server calls `notify` for an automation, once, and drops the notification when it fails.
So here, and only here, a block tries again by itself: a few times, within a minute. It waits as
long as Slack or Jira ask it to, up to `LONGEST_WAIT`.

Delivery is at least once: a message whose answer was lost is sent again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prefect.blocks.abstract import NotificationError

from blocks.errors import DeliveryError

ATTEMPTS = 4
FIRST_WAIT = 1.0
"""Seconds before the second attempt; doubled for each further one."""
LONGEST_WAIT = 20.0
"""Seconds: the server handles one action after another, and others wait behind this one."""


async def deliver(send: Callable[[], object], *, as_notification: bool) -> None:
    """Call `send` in a thread until it succeeds or cannot.

    Args:
        send: sends once; raises `DeliveryError`.
        as_notification: raise `NotificationError`, which Prefect's server records as the reason
            of a failed action, instead of the `DeliveryError`.

    Raises:
        DeliveryError: refused, or still failing after `ATTEMPTS`.
        NotificationError: the same, for Prefect's server.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            await asyncio.to_thread(send)
        except DeliveryError as error:
            if not error.retryable or attempt == ATTEMPTS:
                if as_notification:
                    raise NotificationError(str(error)) from error
                raise
            backoff = FIRST_WAIT * 2 ** (attempt - 1)
            asked = error.retry_after if error.retry_after is not None else backoff
            await asyncio.sleep(min(asked, LONGEST_WAIT))
        else:
            return
