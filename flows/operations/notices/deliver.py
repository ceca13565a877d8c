"""`deliver_notices`: tell what a run's own attempt could not."""

from __future__ import annotations

from sdk import Settings, flow
from sdk.missed import drop_missed
from sdk.notices.channels import sender
from sdk.notices.settings import NoticeSettings


@flow(name="notices-deliver")
def deliver_notices(again: bool = False) -> dict[str, int]:
    """Tell what is left to tell; schedule it every other minute.

    Args:
        again: try also what was refused for good.

    Returns:
        How many entries were taken from the outbox, are left, were refused, were tried again.
    """
    drop_missed()
    found = sender(Settings().storage, NoticeSettings())
    revived = found.revive() if again else 0
    report = found.deliver()
    return {
        "counted": report.counted,
        "left": report.left,
        "refused": len(report.refused),
        "revived": revived,
    }
