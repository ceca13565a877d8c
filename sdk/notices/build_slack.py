"""A fault in Block Kit: the head of its thread, the remarks below it, a page.

Data is in ``plain_text`` alone, where Slack makes neither mention nor link nor markup of it.
Only our own addresses are links.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from blocks.wording import MAX_HEADER, cleaned, clipped, one_line, slack_escaped
from sdk.digest import text_hash
from sdk.notices.build_plain import details, links, moment, subject
from sdk.notices.fault_parts import Saying
from sdk.notices.fault_state import FaultState
from sdk.notices.notice import Notice

MAX_TEXT = 2900
"""Of 3,000 characters that a section's text may have; the rest is the label's."""
MAX_FIELD = 1900
"""Of 2,000 that a field may have."""
MAX_FALLBACK = 3000
"""Characters of the text shown where blocks are not: push messages, screen readers."""
SAID = {"alert": ("Still so", "So again", "Over")}
"""How remarks begin where nothing broke: what a customer's rule found is no fault."""
BESIDE = ("For", "Since", "Last good", "Owner", "Where")
"""What is short stands in two columns."""

_ADDRESS = re.compile(r"https?://[^\s<>|\"]{1,1500}")


@dataclass(frozen=True, slots=True)
class Message:
    """A message: the text for where blocks are not shown, and the blocks."""

    text: str
    blocks: list[dict[str, Any]]

    @property
    def revision(self) -> str:
        """A hash of what it says."""
        return text_hash(json.dumps([self.text, self.blocks]))[:16]


def head(state: FaultState, silenced: str = "") -> Message:
    """Return the head of a fault's thread as it is to read now.

    Args:
        state: of the fault.
        silenced: until when and why it is silenced, in words.
    """
    found = details(
        state.latest,
        customers=state.broken_for,
        count=state.story_count,
        since=state.first_seen,
        latest=state.last_seen,
    )
    how = [state.severity, "open" if state.open else f"mended {_ended(state)}"]
    if silenced:
        how.append(silenced)
    if state.ticket is not None and state.ticket.refused:
        how.append(f"{state.ticket.key} is closed as {state.ticket.refused}")
    how.append(f"fault {state.fingerprint}")
    title = ("" if state.open else "Mended: ") + subject(state.latest, state.broken_for)
    url = state.ticket.url if state.ticket is not None else ""
    return _message(title, found, links(state.latest, url), " · ".join(how))


def page(notice: Notice) -> Message:
    """Return the message to whoever is on call."""
    title = f"Page: {subject(notice)}"
    how = f"{notice.severity} · somebody has to look now · fault {notice.fault}"
    return _message(title, details(notice), links(notice), how)


def letter(heading: str, body: str) -> Message:
    """Return a letter: its lines as they are, in as few sections as hold them."""
    blocks: list[dict[str, Any]] = [_header(heading)]
    section = ""
    for line in cleaned(body).split("\n"):
        line = clipped(line, MAX_TEXT)
        if section and len(section) + len(line) + 1 > MAX_TEXT:
            blocks.append(_section(section))
            section = line
        else:
            section = f"{section}\n{line}" if section else line
    if section.strip():
        blocks.append(_section(section))
    # 50 blocks are Slack's limit; a digest that long is read in the store.
    return Message(_fallback(heading), blocks[:50])


def remark(state: FaultState, saying: Saying) -> Message:
    """Return what is said in the thread."""
    words = remark_words(state, saying)
    return Message(_fallback(words), [_section(words)])


def remark_words(state: FaultState, saying: Saying) -> str:
    """Return a remark in plain words, on one line: it is read on a phone without its thread."""
    times = f"{saying.count:,} {'time' if saying.count == 1 else 'times'}"
    times += f" since {moment(state.first_seen)}"
    where, whom = state.latest.place, ", ".join(saying.customers)
    latest = f"Latest: {state.latest.headline}"
    again, back, over = SAID.get(state.latest.kind, ("Still broken", "Back again", "Works again"))
    words = {
        "again": f"{again}: {where} for {whom}, {times}. {latest}",
        "back": f"{back}: {where} for {whom}, {times}. {latest}",
        "louder": f"Now {state.severity}: {where} for {whom}, {times}. {latest}",
        "mended": f"{over}: {where}, at {moment(saying.at)}, after {times}.",
    }[saying.about]
    return one_line(words, MAX_TEXT)


def _ended(state: FaultState) -> str:
    return moment(state.mended_at) if state.mended_at else ""


def _message(
    title: str, found: list[tuple[str, str]], to: list[tuple[str, str]], how: str
) -> Message:
    beside = [pair for pair in found if pair[0] in BESIDE]
    before = [pair for pair in found if pair[0] in ("What", "Such as")]
    after = [pair for pair in found if pair not in beside and pair not in before]
    blocks = [
        _header(title),
        _section("\n".join(f"{label}: {clipped(text, 600)}" for label, text in before)),
        {"type": "section", "fields": [_plain(f"{a}\n{b}", MAX_FIELD) for a, b in beside]},
        _section("\n".join(f"{label}: {clipped(text, 900)}" for label, text in after)),
    ]
    elements: list[dict[str, Any]] = [_plain(how, MAX_FIELD)]
    elements += [
        {"type": "mrkdwn", "text": f"<{slack_escaped(url)}|{name}>"}
        for name, url in to
        if _ADDRESS.fullmatch(url)
    ]
    blocks.append({"type": "context", "elements": elements})
    what = found[0][1] if found else ""
    return Message(_fallback(f"{title}. {what}"), blocks)


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": _plain(one_line(text, MAX_HEADER), MAX_HEADER)}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _plain(text, MAX_TEXT)}


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": clipped(cleaned(text), most) or "–", "emoji": False}


def _fallback(text: str) -> str:
    # Escaping lengthens, up to five times.
    return clipped(slack_escaped(one_line(text, MAX_FALLBACK // 5)), MAX_FALLBACK)
