"""Known pairs: a lead keeps a decision whose answer is beyond doubt, to measure reviewers by it."""

from __future__ import annotations

from flows.pipeline.verification import history
from flows.pipeline.verification.database import Clock, Database, utc_now
from flows.pipeline.verification.drafting import Draft, task_key
from flows.pipeline.verification.errors import BadAnswer
from flows.pipeline.verification.intake import Intake
from flows.pipeline.verification.verdicts import PUBLISHED


def keep(database: Database, decision: str, *, clock: Clock = utc_now) -> bool:
    """Keep a decision's task and answer as a known pair; False if it is one already.

    Raises:
        Unknown: there is no such decision.
        BadAnswer: it says that nobody knows.
    """
    found = history.entry(database, decision)
    if found.verdict not in PUBLISHED:
        raise BadAnswer(
            f"the answer {found.verdict!r} is no known answer", "Keep one that says what it is."
        )
    content = found.content
    seller = content.candidates[0].product.seller
    key = task_key(content.own.seller, content.own.sku, seller, content.skus)
    draft = Draft(key, content, weight=1.0)
    intake = Intake(database, clock=clock)
    return intake.add_gold(found.customer, draft, found.verdict, found.sku, found.factor)
