r"""The command of a line: where it ends, and what it reads from standard input.

cron passes everything after the time fields to the shell, with one rule of its own: the first `%`
that no backslash precedes ends the command, and what follows is its standard input, in which each
further `%` is a newline; `\%` is a percent sign. The two halves treat a doubled backslash
differently, in every cron that descends from Vixie's; both rules are kept as they are (cronie,
``src/do_command.c``).

It does not look into the command: quotes, pipes and redirections are the shell's.
"""

from __future__ import annotations

import re

from sdk.crontab.problem import Refusal

LONGEST = 131_071
"""Bytes of one argument that Linux accepts, without its final NUL (``MAX_ARG_STRLEN``): a longer
command could not be handed to any shell."""

_PLACEHOLDER = re.compile(r"\{\{\s*[\w.\-\[\]$]+\s*\}\}")
"""What a deployment file's templating takes for a placeholder: `prefect deploy` replaces it, with
nothing where it knows no such name, so that ``docker ps --format '{{.Names}}'`` would lose its
format without a word."""

_OPTION = re.compile(r"-[a-z]+[ \t]")


def read_command(text: str) -> tuple[str, str | None]:
    """Split the rest of a line into the command and its standard input.

    Args:
        text: everything after the time fields (and the user).

    Returns:
        The command, and what it reads from standard input (ends with a newline), or None.

    Raises:
        Refusal: there is no command, or it cannot be passed on unchanged.
    """
    command, stdin = split_percent(text)
    if not command.strip():
        raise Refusal(
            "command", "there is no command after the time", "Add the command, or drop the line."
        )
    if _OPTION.match(command):
        raise Refusal(
            "command",
            f"it begins with {command.split()[0]}, an option of some crons, not a command",
            "Take the option away, and run the importer again.",
        )
    if len(command.encode()) > LONGEST:
        raise Refusal(
            "command",
            f"it is longer than the {LONGEST} bytes that a shell can be given",
            "Put the command into a script, and call the script.",
        )
    refuse_placeholder("command", command)
    if stdin is not None:
        refuse_placeholder("standard input", stdin)
    return command, stdin


def refuse_placeholder(field: str, text: str) -> None:
    """Refuse a text that deploying would change.

    Raises:
        Refusal: the text holds what prefect.yaml takes for a placeholder.
    """
    found = _PLACEHOLDER.search(text)
    if found:
        raise Refusal(
            field,
            f"{found[0][:60]} is a placeholder in prefect.yaml, and would be replaced",
            "Put the command into a script, and call the script.",
        )


def split_percent(text: str) -> tuple[str, str | None]:
    r"""Apply the `%` rule.

    Returns:
        The command with each ``\%`` made a ``%``, and the standard input, None where there is
        none.
    """
    command: list[str] = []
    escaped = False
    for position, char in enumerate(text):
        if escaped:
            escaped = False
            if char == "%":
                command[-1] = char
                continue
        elif char == "%":
            return "".join(command), _standard_input(text[position + 1 :])
        else:
            escaped = char == "\\"
        command.append(char)
    return "".join(command), None


def _standard_input(text: str) -> str | None:
    if not text:
        return None
    lines: list[str] = []
    escaped = needs_newline = False
    for char in text:
        read = char
        if escaped:
            if char != "%":
                lines.append("\\")
        elif char == "%":
            read = "\n"
        escaped = read == "\\"
        if not escaped:
            lines.append(read)
            needs_newline = read != "\n"
    if escaped:
        lines.append("\\")
    if needs_newline:
        lines.append("\n")
    return "".join(lines)
