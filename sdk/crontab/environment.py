"""The settings of a crontab: `NAME = value` lines, which apply to the lines below them.

The rules are cron's (cronie, ``load_env`` in ``src/env.c``): blanks around the sign do not count;
a name or a value may stand in quotes, which keep its blanks; nothing is expanded, `$HOME` stays
as it is written; and a line is a setting only if it can be read as one to its end.
"""

from __future__ import annotations

import re

from sdk.crontab.problem import Refusal, excerpt

SPACE = " \t\v\f\r"
"""What C's ``isspace`` calls a blank, but for the newline that ends the line."""

MOST = 1_000
"""Variables in force at once: cronie's own bound for a user's crontab (``MAX_USER_ENVS``). It
also bounds what a hostile file can make of every line below."""

_NAME = re.compile(r"[^ \t\v\f\r=]*")
_ADVICE = 'Write it as NAME="value".'


def read_setting(line: str) -> tuple[str, str] | None:
    """Read a line as a setting.

    Args:
        line: the line without leading blanks; not empty.

    Returns:
        Name and value, or None where the line is something else.

    Raises:
        Refusal: it is a setting, and cron does not read it.
    """
    if line[0] in "'\"":
        end = line.find(line[0], 1)
        if end < 0 or "=" in line[1:end]:
            return None
        name, rest = line[1:end], line[end + 1 :]
    else:
        found = _NAME.match(line)
        name = found[0] if found else ""
        rest = line[len(name) :]
    rest = rest.lstrip(SPACE)
    if not rest.startswith("="):
        return None
    if not name:
        raise Refusal("environment", "the name of the variable is missing", _ADVICE)
    return name, _value(name, rest[1:].lstrip(SPACE))


def _value(name: str, text: str) -> str:
    if not text:
        raise Refusal(
            "environment",
            f"{excerpt(name, 40)} has no value, and cron takes no empty value without quotes",
            f'Write {excerpt(name, 40)}="" if it should be empty.',
        )
    if text[0] not in "'\"":
        return text.rstrip(SPACE)
    end = text.find(text[0], 1)
    if end < 0:
        raise Refusal("environment", "the quote of the value is not closed", _ADVICE)
    if text[end + 1 :].strip(SPACE):
        raise Refusal(
            "environment",
            "something follows the value's closing quote, and cron does not read such a line",
            "End the line after the quote; put a comment on a line of its own.",
        )
    return text[1:end]
