"""Plain words for people, turned into what Slack and Jira show. Pure.

A text from here is only ever shown: what stands in it makes no mention, no link, no markup,
wherever it comes from. One thing is not plain: a line of its own that reads ``Label: https://…``
becomes a link, which is how a notice leads to its run and its runbook. Whoever puts data into a
line keeps it on that line (no newlines), so that data cannot write such a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MAX_HEADER = 150
"""Slack: characters of a header block."""
MAX_SECTION = 3000
"""Slack: characters of a section's text."""
MAX_SUMMARY = 255
"""Jira: characters of a summary."""
MAX_LABEL = 255
"""Jira: characters of a label."""
MAX_BODY = 30_000
"""Jira's limit is 32,767 characters, counted after its own conversion; the rest is room for it."""
MAX_LINKS = 10
"""Slack: elements of a context block."""

_LINK = re.compile(r"([A-Z][A-Za-z ]{0,29}): (https?://[^\s<>|\"\[\]{}]{1,1500})")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_WIKI = re.compile(r"[\\{}\[\]*^~?!|#]|(?<![^\W_])[-_+@]|[-_+@](?![^\W_])")
"""What wiki markup is made of. Between letters a hyphen and its like mean nothing and stay, for
names of flows and runs to be read and searched."""
_WIKI_START = re.compile(r"^(\s*)(h[1-6]|bq)\.", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a text: its words, and the address it leads to if it is a link."""

    text: str
    url: str | None = None


def lines(body: str) -> list[Line]:
    """Split a text into lines, the links among them told apart."""
    found = []
    for text in cleaned(body).split("\n"):
        link = _LINK.fullmatch(text.strip())
        found.append(Line(link[1], link[2]) if link else Line(text.rstrip()))
    return found


def cleaned(text: str) -> str:
    """Return a text with one kind of line end and without control characters."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def one_line(text: str, most: int) -> str:
    """Return a text on one line of at most `most` characters."""
    return clipped(" ".join(cleaned(text).split()), most)


def clipped(text: str, most: int) -> str:
    """Return a text of at most `most` characters, with a sign where it was cut."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def no_formula(text: str) -> str:
    """Return a text that no spreadsheet calculates: a tracker's tickets are exported to them."""
    return f"'{text}" if text.lstrip()[:1] in tuple("=+-@") else text


def label(text: str) -> str:
    """Return a text as a Jira label, which holds no spaces."""
    return clipped("-".join(cleaned(text).split()), MAX_LABEL)


def slack_escaped(text: str) -> str:
    """Escape what Slack reads as markup in a message's text: ``&``, ``<`` and ``>``."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def slack_blocks(subject: str, body: str) -> list[dict[str, Any]]:
    """Return a subject and a body as Block Kit: plain text, and the links below it."""
    blocks: list[dict[str, Any]] = []
    heading = one_line(subject, MAX_HEADER)
    if heading:
        text = {"type": "plain_text", "text": heading, "emoji": False}
        blocks.append({"type": "header", "text": text})
    found = lines(body)
    words = clipped("\n".join(line.text for line in found if line.url is None), MAX_SECTION).strip()
    if words:
        text = {"type": "plain_text", "text": words, "emoji": False}
        blocks.append({"type": "section", "text": text})
    links = [
        {"type": "mrkdwn", "text": f"<{slack_escaped(line.url)}|{line.text}>"}
        for line in found
        if line.url is not None
    ]
    if links:
        blocks.append({"type": "context", "elements": links[:MAX_LINKS]})
    return blocks


def document(body: str, ending: str = "") -> dict[str, Any]:
    """Return a text as an Atlassian document: a paragraph for each run of lines between gaps.

    Args:
        body: cut where it is too long.
        ending: put below it, never cut.
    """
    content: list[dict[str, Any]] = []
    for group in _paragraphs(lines(_joined(clipped(body, MAX_BODY), ending))):
        nodes: list[dict[str, Any]] = []
        for position, line in enumerate(group):
            if position:
                nodes.append({"type": "hardBreak"})
            node: dict[str, Any] = {"type": "text", "text": line.text}
            if line.url is not None:
                node["marks"] = [{"type": "link", "attrs": {"href": line.url}}]
            nodes.append(node)
        content.append({"type": "paragraph", "content": nodes})
    return {"type": "doc", "version": 1, "content": content}


def wiki(body: str, ending: str = "") -> str:
    """Return a text as Jira's wiki markup that shows it as it is, its links as links.

    Args:
        body: cut where it is too long.
        ending: put below it, never cut.
    """
    most = MAX_BODY
    while True:
        whole = _joined(clipped(body, most), ending)
        written = "\n".join(
            _wiki_escaped(line.text) if line.url is None else f"[{line.text}|{line.url}]"
            for line in lines(whole)
        )
        # Escapes count too, and cutting between a sign and its escape would bring it to life.
        if len(written) <= MAX_BODY + 2 * len(ending) + 2 or not most:
            return written
        most = most * 3 // 4


def document_text(value: object) -> str:
    """Return the words of a comment or description as Jira gives it: a text, or a document."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if value.get("type") == "hardBreak":
        return "\n"
    parts = [document_text(child) for child in value.get("content") or []]
    joint = "\n" if value.get("type") in ("doc", "bulletList", "orderedList") else ""
    return str(value.get("text", "")) + joint.join(parts)


def _joined(body: str, ending: str) -> str:
    return f"{body}\n\n{ending}" if ending else body


def _paragraphs(found: Sequence[Line]) -> list[list[Line]]:
    groups: list[list[Line]] = [[]]
    for line in found:
        if line.text:
            groups[-1].append(line)
        elif groups[-1]:
            groups.append([])
    return [group for group in groups if group]


def _wiki_escaped(text: str) -> str:
    # An entity for the backslash, which doubled would be a line break; and for what makes a
    # heading or an address out of letters, which a backslash does not stop.
    escaped = _WIKI.sub(lambda m: "&#92;" if m[0] == "\\" else f"\\{m[0]}", text)
    escaped = escaped.replace("://", "&#58;//")
    return _WIKI_START.sub(r"\1\2&#46;", escaped)
