"""The digest: a customer's day in a dozen lines, for Slack and for e-mail.

What stands in it is what the dashboard's overview and alerts say, in the same words, with where
the rest is. The e-mail is a whole message with a text and an HTML part; it carries no date, no
boundary drawn by chance and no address, so that the same report gives the same bytes: whoever
sends it adds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

import polars as pl

from flows.pipeline.reporting import wording
from flows.pipeline.reporting.document import Card
from flows.pipeline.reporting.page import OVERVIEW, card_of
from flows.pipeline.reporting.report import Report

MOST = 5
"""Alerts that are named: the rest is a count, and on the page."""


@dataclass(frozen=True)
class Part:
    """Some lines below a heading."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Digest:
    """What is said of a day.

    Attributes:
        subject: in a line.
        lead: how the data stand.
        parts: of it.
    """

    subject: str
    lead: str
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The digest as plain lines, as Slack and an e-mail's text show it."""
        blocks = [self.lead]
        blocks += [
            "\n".join([part.heading, *(f"– {line}" for line in part.lines)]) for part in self.parts
        ]
        return "\n\n".join(blocks)


def digest(report: Report) -> Digest:
    """Return the digest of a report."""
    parts = [Part("Figures", tuple(_figures(report)))]
    missing = [str(note) for note in report.notes] + list(report.degraded_because)
    if missing:
        parts.insert(0, Part("Missing or substituted", tuple(map(_line, missing[:MOST]))))
    told = _alerts(report)
    if told is not None:
        parts.append(told)
    unknown = [card.title for card in _cards(report) if card.lacking]
    if unknown:
        parts.append(Part("Not enough data for", (", ".join(unknown),)))
    return Digest(
        subject=f"{report.title}, {report.day}: {_headline(report)}",
        lead=wording.STATES[report.state],
        parts=tuple(parts),
    )


def _headline(report: Report) -> str:
    card = card_of(report, OVERVIEW[0])
    if card is None or card.lacking:
        return "not enough data for a price index"
    told = 0 if report.alerts is None else report.alerts.filter(state="told").height
    return f"price index {card.value}, {told:,} new {'alert' if told == 1 else 'alerts'}"


def _cards(report: Report) -> list[Card]:
    return [card for name in OVERVIEW if (card := card_of(report, name))]


def _figures(report: Report) -> list[str]:
    return [
        f"{card.title}: {card.value} ({card.detail})" for card in _cards(report) if not card.lacking
    ]


def _alerts(report: Report) -> Part | None:
    if report.alerts is None or report.alert_rules is None or report.alert_rules.is_empty():
        return None
    told = report.alerts.filter(pl.col("state") == "told").sort(
        "rule", -pl.col("value").abs(), "item"
    )
    lines = []
    for row in report.alert_rules.iter_rows(named=True):
        if row["note"]:
            lines.append(f"{row['rule']}: {row['note']}")
            continue
        mine = told.filter(pl.col("rule") == row["rule"])
        lines.append(f"{row['rule']}: {row['told']:,} new, {row['found']:,} in all")
        lines += [
            f"  {name or item} — {text}"
            for name, item, text in mine.head(MOST).select("name", "item", "text").iter_rows()
        ]
        if mine.height > MOST:
            lines.append(f"  and {mine.height - MOST:,} more, on the page")
    return Part("Alerts", tuple(map(_line, lines)))


def _line(text: str) -> str:
    """Keep a datum on its line."""
    indent = "  " if text.startswith("  ") else ""
    return indent + " ".join(text.split())


def email(found: Digest) -> bytes:
    """Return the digest as an e-mail without sender, recipients and date."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = " ".join(found.subject.split())
    message.set_content(found.text + "\n", cte="base64")
    message.add_alternative(_html(found), subtype="html", cte="base64")
    message.set_boundary("=_dataweave_digest")
    return message.as_bytes()


def _html(found: Digest) -> str:
    blocks = [f"<p><strong>{escape(found.lead)}</strong></p>"]
    for part in found.parts:
        lines = "".join(
            f'<li><span dir="auto">{escape(line.strip())}</span></li>' for line in part.lines
        )
        blocks.append(f"<h3>{escape(part.heading)}</h3><ul>{lines}</ul>")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"></head>'
        '<body style="font-family:Arial,sans-serif;color:#17202b;max-width:40em">'
        f"<h2>{escape(found.subject)}</h2>{''.join(blocks)}</body></html>"
    )
