"""A site's day, from its visits to its tables and the decision on it. Nothing is fetched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import polars as pl

from flows.pipeline.capture.answers import Answers, read_answers
from flows.pipeline.capture.captured import Tables, tables_of
from flows.pipeline.capture.errors import BadRow
from flows.pipeline.capture.fetching.journal import Ended
from flows.pipeline.capture.fetching.visit import Visit
from flows.pipeline.capture.health import Decision, Health, SiteRun, Symptom, decide
from flows.pipeline.capture.page_verdict import Baseline
from flows.pipeline.capture.site import Site
from flows.pipeline.capture.site_run import count_run, to_record
from flows.pipeline.schema import FAULTS

_SHOWN_FAULTS: Final = 1_000
"""Rows of a feed that are told one by one; one that is wrong throughout shows in its health."""


@dataclass(frozen=True)
class SiteDay:
    """What is known of a site's day.

    Attributes:
        tables: what is published if it may be.
        faults: FAULTS.
        baseline: what the site's product pages share, a part on each line.
        run: the figures of the day.
        health: the decision.
        ended: how its crawl ended, one word.
        reason: the decision, and what hindered the crawl, in one line.
    """

    tables: Tables
    faults: pl.DataFrame
    baseline: bytes
    run: SiteRun
    health: Health
    ended: str
    reason: str

    def figures(self) -> dict[str, Any]:
        """Return what is recorded of the day, as plain JSON values."""
        coverage = self.health.coverage
        return {
            "run": to_record(self.run),
            "decision": self.health.decision.name.lower(),
            "reason": self.reason,
            "coverage": None if coverage is None else round(coverage, 6),
            "ended": self.ended,
        }


def read_day(
    site: Site,
    visits: Sequence[Visit],
    ended: Ended | None,
    body_of: Callable[[str], bytes | None],
    *,
    before: Tables | None = None,
    baseline: bytes = b"",
    past: Sequence[SiteRun] = (),
) -> SiteDay:
    """Return a site's day.

    Args:
        site: whose.
        visits: of the day.
        ended: how the crawl ended; None where it was not begun, or broke.
        body_of: the archive: page → body, None where it is gone.
        before: the tables of the last good run.
        baseline: of the last good run.
        past: the figures of the good runs before, the oldest first.
    """
    answers = read_answers(site, visits, body_of, _baseline(baseline))
    zero = sum(
        answer.product is not None
        and answer.product.price is None
        and any(offer.price == 0 for offer in answer.product.offers)
        for answer in answers.answers
    )
    run = count_run(((answer.verdict, answer.product) for answer in answers.answers), zero)
    health = decide(run, past, site.expected_pages)
    run = replace(run, frozen=any(symptom.name == "frozen" for symptom in health.symptoms))
    if run.products == 0 and health.decision < Decision.QUARANTINE:
        nothing = Symptom("nothing", Decision.QUARANTINE, "there is no product at all")
        health = replace(health, decision=Decision.QUARANTINE, symptoms=(nothing, *health.symptoms))
    how, why = (ended.how, ended.reason) if ended else ("broken", "its crawl did not end")
    return SiteDay(
        tables=tables_of(site, answers.answers, before),
        faults=_faults(site, answers),
        baseline="\n".join(sorted(answers.baseline.parts)).encode(),
        run=run,
        health=health,
        ended=how,
        reason="; ".join(part for part in (health.reason, why, answers.problem) if part),
    )


def _baseline(text: bytes) -> Baseline | None:
    parts = frozenset(part for part in text.decode("utf-8", "replace").split("\n") if part)
    return Baseline(parts) if parts else None


def _faults(site: Site, answers: Answers) -> pl.DataFrame:
    told = answers.faults[:_SHOWN_FAULTS]
    left = len(answers.faults) - len(told)
    if left > 0:
        told.append(BadRow(f"{left:,} more rows cannot be used", "See the others."))
    return pl.DataFrame([fault.as_fault(site.name) for fault in told], schema=FAULTS)
