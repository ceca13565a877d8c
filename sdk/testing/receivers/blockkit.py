"""Block Kit's limits, as Slack enforces them: which blocks it refuses, and in which words.

Covers what notices use (section, header, context, divider, actions, image, rich_text, markdown);
other kinds of block pass unread. Source of the limits: docs.slack.dev/reference/block-kit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

MAX_BLOCKS = 50
MAX_TEXT = 3000
MAX_HEADER = 150
MAX_FIELDS, MAX_FIELD = 10, 2000
MAX_CONTEXT = 10
MAX_ACTIONS = 25
MAX_BUTTON = 75
MAX_URL = 3000
MAX_VALUE = 2000
MAX_ID = 255
MAX_MARKDOWN = 12_000
KNOWN = frozenset(
    {
        "section",
        "header",
        "context",
        "divider",
        "actions",
        "image",
        "rich_text",
        "markdown",
        "table",
        "input",
        "file",
        "video",
    }
)


def problems(blocks: object) -> list[str]:
    """Return what Slack would say of the blocks, in its words; nothing when they are valid."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        return ["must be an array of objects [json-pointer:/blocks]"]
    found = list(_too_many(blocks, MAX_BLOCKS, "/blocks"))
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        found.extend(_block(block, f"/blocks/{index}", seen))
    written = sum(len(str(b.get("text", ""))) for b in blocks if b.get("type") == "markdown")
    if written > MAX_MARKDOWN:
        found.append(f"markdown blocks must be less than {MAX_MARKDOWN + 1} characters in all")
    return found


def _block(block: dict[str, Any], at: str, seen: set[str]) -> Iterator[str]:
    kind = block.get("type")
    if kind not in KNOWN:
        yield f"unsupported type: {kind} [json-pointer:{at}/type]"
        return
    identity = block.get("block_id")
    if identity is not None:
        if not isinstance(identity, str) or len(identity) > MAX_ID:
            yield f"must be less than {MAX_ID + 1} characters [json-pointer:{at}/block_id]"
        elif identity in seen:
            yield f"`block_id` already exists: {identity} [json-pointer:{at}/block_id]"
        else:
            seen.add(identity)
    if kind == "section":
        yield from _section(block, at)
    elif kind == "header":
        yield from _text(block.get("text"), f"{at}/text", MAX_HEADER, plain=True)
    elif kind == "context":
        yield from _context(block, at)
    elif kind == "actions":
        yield from _actions(block, at)
    elif kind == "image":
        yield from _image(block, at)


def _section(block: dict[str, Any], at: str) -> Iterator[str]:
    text, fields = block.get("text"), block.get("fields")
    if text is None and not fields:
        yield f"missing required field: text or fields [json-pointer:{at}]"
    if text is not None:
        yield from _text(text, f"{at}/text", MAX_TEXT)
    if fields is not None:
        if not isinstance(fields, list) or not fields:
            yield f"no fewer than 1 items allowed [json-pointer:{at}/fields]"
            return
        yield from _too_many(fields, MAX_FIELDS, f"{at}/fields")
        for index, item in enumerate(fields):
            yield from _text(item, f"{at}/fields/{index}", MAX_FIELD)
    accessory = block.get("accessory")
    if isinstance(accessory, dict) and accessory.get("type") == "button":
        yield from _button(accessory, f"{at}/accessory")


def _context(block: dict[str, Any], at: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield f"no fewer than 1 items allowed [json-pointer:{at}/elements]"
        return
    yield from _too_many(elements, MAX_CONTEXT, f"{at}/elements")
    for index, element in enumerate(elements):
        where = f"{at}/elements/{index}"
        if isinstance(element, dict) and element.get("type") == "image":
            yield from _image(element, where)
        else:
            yield from _text(element, where, MAX_TEXT)


def _actions(block: dict[str, Any], at: str) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not elements:
        yield f"no fewer than 1 items allowed [json-pointer:{at}/elements]"
        return
    yield from _too_many(elements, MAX_ACTIONS, f"{at}/elements")
    for index, element in enumerate(elements):
        if isinstance(element, dict) and element.get("type") == "button":
            yield from _button(element, f"{at}/elements/{index}")


def _button(button: dict[str, Any], at: str) -> Iterator[str]:
    yield from _text(button.get("text"), f"{at}/text", MAX_BUTTON, plain=True)
    for name, most in (("url", MAX_URL), ("value", MAX_VALUE), ("action_id", MAX_ID)):
        value = button.get(name)
        if value is not None and (not isinstance(value, str) or len(value) > most):
            yield f"must be less than {most + 1} characters [json-pointer:{at}/{name}]"
    url = button.get("url")
    if isinstance(url, str) and "://" not in url:
        yield f"invalid url [json-pointer:{at}/url]"


def _image(image: dict[str, Any], at: str) -> Iterator[str]:
    for name, most in (("alt_text", MAX_FIELD), ("image_url", MAX_URL)):
        value = image.get(name)
        if name == "image_url" and value is None and "slack_file" in image:
            continue
        if not isinstance(value, str) or not value:
            yield f"missing required field: {name} [json-pointer:{at}]"
        elif len(value) > most:
            yield f"must be less than {most + 1} characters [json-pointer:{at}/{name}]"


def _text(text: object, at: str, most: int, *, plain: bool = False) -> Iterator[str]:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield f"must be a {' or '.join(kinds)} object [json-pointer:{at}]"
        return
    written = text.get("text")
    if not isinstance(written, str) or not written:
        yield f"must be more than 0 characters [json-pointer:{at}/text]"
    elif len(written) > most:
        yield f"must be less than {most + 1} characters [json-pointer:{at}/text]"


def _too_many(items: list[Any], most: int, at: str) -> Iterator[str]:
    if len(items) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
