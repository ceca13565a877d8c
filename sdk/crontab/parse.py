"""A crontab's text to entries: which line is what, and which settings are in force where.

The rules are those of the crons that descend from Vixie's, read strictly: what one of them skips
over in silence (`5/10` runs at 5 in one, is an error in another) is refused here, because a
guessed schedule is worse than a named one. More lenient than cron in three points that carry no
meaning: Windows line ends, a byte order mark, a last line without newline.

Pure: bytes and text in, entries and problems out. What the time fields *mean* is `schedule`'s.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sdk.crontab.command import read_command, refuse_placeholder
from sdk.crontab.environment import MOST, read_setting
from sdk.crontab.nickname import read_nickname
from sdk.crontab.problem import CrontabProblem, Refusal, excerpt
from sdk.errors import Permanent

_BLANKS = re.compile(r"[ \t]+")
_TIME = re.compile(r"-?[0-9*][0-9*,/~-]*\Z")
_HEADINGS = (["m", "h"], ["min", "hour"], ["minute", "hour"])
_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\$?(?::[A-Za-z0-9_.-]+)?(?:/[A-Za-z0-9_.-]+)?\Z")
"""A user as useradd accepts it, with the group and login class that BSD crons allow."""


class NotACrontab(Permanent):
    """The file is no crontab at all: nothing in it can be translated."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command and when to run it.

    Attributes:
        line: its number in the file, from 1.
        text: the line as it stands in the file.
        fields: minute, hour, day of month, month, day of week, as written.
        command: what the shell is given.
        stdin: what the command reads, if the line says so.
        user: the account of a system crontab.
        environment: the settings in force; entries below the same settings share one mapping.
        comment: the comment lines right above, without their signs.
    """

    line: int
    text: str
    fields: tuple[str, ...]
    command: str
    stdin: str | None
    user: str | None
    environment: Mapping[str, str]
    comment: str


@dataclass(frozen=True, slots=True)
class Crontab:
    """What a crontab says: entries in the order of the file, and the lines that say nothing."""

    entries: tuple[Entry, ...]
    problems: tuple[CrontabProblem, ...]
    settings: Mapping[str, int]
    """Each variable that is set anywhere, and the first line that does."""


def decode(data: bytes) -> str:
    """Return the text of a crontab file.

    Raises:
        NotACrontab: it is not UTF-8, or holds NUL bytes.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise NotACrontab(
            f"line {line} is not UTF-8 (byte 0x{data[error.start]:02x} at {error.start})",
            "Convert the file first: iconv -f <its encoding> -t UTF-8.",
        ) from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise NotACrontab(f"line {line} holds a NUL byte", "Name a crontab: a plain text file.")
    return text


def parse(text: str, *, system: bool = False) -> Crontab:
    """Read a crontab.

    Args:
        text: the file's text; `decode` makes it.
        system: whether the sixth column is the user, as in /etc/crontab and /etc/cron.d.

    Returns:
        Entries and problems, each in the order of the file.

    Raises:
        NotACrontab: there are lines, and none of them looks like a crontab's.
    """
    entries: list[Entry] = []
    problems: list[CrontabProblem] = []
    first_set: dict[str, int] = {}
    environment: Mapping[str, str] = MappingProxyType({})
    comment: list[str] = []
    recognised = 0
    for number, raw in enumerate(text.split("\n"), start=1):
        whole = raw.removesuffix("\r")
        line = whole.lstrip(" \t")
        if line.startswith("#"):
            said = line.lstrip("#").strip()
            if _is_heading(said):
                comment.clear()
            else:
                comment.append(said)
            continue
        above, comment = " ".join(filter(None, comment)), []
        if not line.strip():
            continue
        try:
            setting = read_setting(line)
            recognised += setting is not None or _looks_timed(line)
            if setting is None:
                entries.append(_entry(number, whole, line, system, environment, above))
            else:
                environment = _with(environment, *setting)
                first_set.setdefault(setting[0], number)
        except Refusal as refusal:
            if refusal.field == "environment":
                recognised += 1
                refusal.advice += " It changes nothing for the lines below."
            problems.append(refusal.at(number, whole))
    if not recognised and (problems or entries):
        lines = [(entry.line, entry.text) for entry in entries]
        _, first = min(lines + [(problem.line, problem.text) for problem in problems])
        raise NotACrontab(
            f"no line looks like a crontab's; the first reads {excerpt(first, 60)!r}",
            "Name the output of `crontab -l`, or a file of /etc/cron.d with --system.",
        )
    return Crontab(tuple(entries), tuple(problems), MappingProxyType(first_set))


def _looks_timed(line: str) -> bool:
    """Whether cron wrote this, if with a mistake: a nickname, or two fields of digits or stars."""
    words = _BLANKS.split(line, maxsplit=5)[:5]
    return words[0].startswith(("@", "-@")) or sum(map(bool, map(_TIME.match, words))) >= 2


def _is_heading(comment: str) -> bool:
    """Whether a comment names the columns or is a job taken out: neither tells of the next job."""
    words = comment.lower().split(maxsplit=5)
    return words[:2] in _HEADINGS or (len(words) == 6 and bool(_TIME.match(words[0])))


def _with(environment: Mapping[str, str], name: str, value: str) -> Mapping[str, str]:
    refuse_placeholder("environment", value)
    if name not in environment and len(environment) >= MOST:
        raise Refusal(
            "environment",
            f"there are more than {MOST} variables",
            "Put them into a file that the commands read.",
        )
    return MappingProxyType({**environment, name: value})


def _entry(
    number: int,
    whole: str,
    line: str,
    system: bool,
    environment: Mapping[str, str],
    comment: str,
) -> Entry:
    # cronie: a leading '-' keeps the command out of syslog; there is none here.
    fields, rest = _time(line.removeprefix("-"))
    if rest.startswith("*"):
        raise Refusal(
            "command",
            "a sixth field of time, or a command that begins with *",
            "cron has five fields, without seconds or years: take the extra one away.",
        )
    user = None
    if system:
        user, rest = _cut(rest)
        if not _USER.match(user):
            raise Refusal(
                "user",
                f"{excerpt(user, 40)!r} is not the name of a user",
                "Leave --system out if this file has no column for the user.",
            )
    command, stdin = read_command(rest)
    return Entry(number, whole, fields, command, stdin, user, environment, comment)


def _time(line: str) -> tuple[tuple[str, ...], str]:
    if not line.startswith("@"):
        parts = _BLANKS.split(line, maxsplit=5)
        if len(parts) < 6 or not parts[5]:
            found = len([part for part in parts if part])
            raise Refusal(
                "line",
                f"{found} fields, where five of time and a command are needed",
                "Write: minute hour day-of-month month day-of-week command.",
            )
        return tuple(parts[:5]), parts[5]
    nickname, rest = _cut(line)
    return read_nickname(nickname), rest


def _cut(line: str) -> tuple[str, str]:
    word, *rest = _BLANKS.split(line, maxsplit=1)
    return word, "".join(rest)
