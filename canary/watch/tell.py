"""The watch's own path: a line in its log, and a message to a webhook.

It knows nothing of the platform's notices: those are among what may be broken. A webhook that
refuses is tried again in the next look; meanwhile nothing is forgotten.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable

import httpx
from pydantic import SecretStr

from canary.watch.changes import Change

log = logging.getLogger("canary")

KEPT = 500
"""Messages that wait for a webhook at most: the oldest are in the log."""
RUNBOOKS = {
    "server-unreachable": "server-unreachable.md",
    "database-down": "server-unreachable.md",
    "queue-stuck": "queue-stuck.md",
    "queue-paused": "queue-stuck.md",
    "pool-paused": "queue-stuck.md",
    "worker-gone": "queue-stuck.md",
    "canary-missing": "canary-missing.md",
    "canary-queued-long": "canary-missing.md",
    "canary-slow": "canary-missing.md",
    "scheduler-stopped": "canary-missing.md",
    "reconciler-silent": "dead-run.md",
}
"""In docs/runbooks/, by fault; canary.md for what is not here."""


def wording(change: Change, environment: str) -> str:
    """Return a change as one line of text."""
    finding = change.finding
    where = f" {finding.subject}" if finding.subject else ""
    how_long = f" for {change.seconds / 60:.0f} min" if change.seconds else ""
    if change.what == "mended":
        return f"[{environment}] mended: {finding.fault}{where}, it was so{how_long}"
    still = "still " if change.what == "still" else ""
    book = RUNBOOKS.get(finding.fault, "canary.md")
    return (
        f"[{environment}] {still}{finding.fault}{where}{how_long}: {finding.detail} "
        f"(docs/runbooks/{book})"
    )


class Teller:
    """Tells changes.

    Args:
        environment: part of every message.
        webhook: where messages go; None for the log alone.
    """

    def __init__(self, environment: str, webhook: SecretStr | None) -> None:
        self.environment, self.webhook = environment, webhook
        self.waiting: deque[str] = deque(maxlen=KEPT)

    def tell(self, changes: Iterable[Change]) -> None:
        """Log the changes and send what is to be sent, in order."""
        for change in changes:
            text = wording(change, self.environment)
            log.warning("%s", text)
            if self.webhook is not None:
                self.waiting.append(text)
        while self.waiting and self.webhook is not None:
            if not self._send(self.waiting[0]):
                return
            self.waiting.popleft()

    def _send(self, text: str) -> bool:
        assert self.webhook is not None
        try:
            answer = httpx.post(
                self.webhook.get_secret_value(), json={"text": text}, timeout=10, trust_env=False
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            # Its text may hold the address, which is a secret.
            log.warning("an alert could not be sent: %s", type(error).__name__)
            return False
        return True
