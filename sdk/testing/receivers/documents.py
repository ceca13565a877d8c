"""Atlassian documents as the Jira stand-in takes them: is it one, and what does it say.

Source: developer.atlassian.com/cloud/jira/platform/apis/document/structure. Checks the shape that
Jira refuses when it is wrong (type, version, content, text); marks and attributes pass unread.
"""

from __future__ import annotations

from typing import Any

INLINE = frozenset(
    {"text", "hardBreak", "mention", "emoji", "inlineCard", "date", "status", "media"}
)
PARENTS = frozenset(
    {
        "paragraph",
        "heading",
        "bulletList",
        "orderedList",
        "listItem",
        "codeBlock",
        "blockquote",
        "panel",
        "table",
        "tableRow",
        "tableCell",
        "tableHeader",
        "expand",
    }
)
LEAVES = frozenset({"rule", "mediaSingle"})
DEEPEST = 30
"""Levels of nesting that are read: no notice has more, and a hostile one has an end."""


def is_document(value: object) -> bool:
    """Say whether a value is an Atlassian document that Jira would take."""
    if not isinstance(value, dict) or value.get("type") != "doc" or value.get("version") != 1:
        return False
    content = value.get("content")
    return isinstance(content, list) and all(_is_node(node, 0) for node in content)


def text_of(value: object) -> str:
    """Return the words of a description or comment, a document's or a plain one's."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ""
    if value.get("type") == "text":
        return str(value.get("text", ""))
    if value.get("type") == "hardBreak":
        return "\n"
    children = [text_of(child) for child in value.get("content") or []]
    blocks = value.get("type") in ("doc", "bulletList", "orderedList", "table", "panel")
    return ("\n" if blocks else "").join(children)


def document(text: str) -> dict[str, Any]:
    """Return plain text as a document: a paragraph a line."""
    lines = text.split("\n")
    return {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in lines
        ],
    }


def _is_node(node: object, depth: int) -> bool:
    if not isinstance(node, dict) or depth > DEEPEST:
        return False
    kind = node.get("type")
    if kind == "text":
        return isinstance(node.get("text"), str) and bool(node["text"])
    if kind in INLINE or kind in LEAVES:
        return True
    if kind not in PARENTS:
        return False
    content = node.get("content", [])
    return isinstance(content, list) and all(_is_node(child, depth + 1) for child in content)
