"""A subset of JQL: what a search for tickets needs, read strictly.

Clauses over project, key, labels, status, statusCategory, resolution, priority, issuetype,
component, summary, text, created, updated and resolved; AND, OR, NOT, parentheses; ORDER BY.
Anything else raises `JqlError` in Jira's manner, so that a query which Jira would refuse does
not pass here.

As in Jira, ``!=`` and ``NOT IN`` do not find tickets whose field is empty.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Row = Mapping[str, tuple[str, ...] | float | None]
"""A ticket as a search sees it: field to its texts, or to seconds since the epoch."""
Test = Callable[[Row], bool]

MOMENTS = frozenset({"created", "updated", "resolved"})
TEXTS = frozenset({"summary", "text"})
NAMES = frozenset(
    {"project", "key", "labels", "status", "statuscategory", "resolution", "priority"}
    | {"issuetype", "component"}
)
ALIASES = {
    "issuekey": "key",
    "id": "key",
    "type": "issuetype",
    "resolutiondate": "resolved",
    "createddate": "created",
    "updateddate": "updated",
}
CASE_KEPT = frozenset({"labels"})
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<mark>!=|>=|<=|!~|[=<>~(),])|(?P<word>[^\s"'=<>~(),!]+))"""
)
_RELATIVE = re.compile(r"([+-]?)(\d{1,6})([wdhm])")
_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


class JqlError(ValueError):
    """The query is not valid."""


@dataclass(frozen=True, slots=True)
class Query:
    """A read query: which tickets, in which order (field, descending)."""

    test: Test
    order: tuple[tuple[str, bool], ...]
    bounded: bool


def parse(jql: str, now: float) -> Query:
    """Read a query; `now` is what relative dates stand on, seconds since the epoch."""
    reader = _Reader(jql, now)
    test: Test = lambda row: True  # noqa: E731 - an empty query finds everything
    bounded = not (reader.done or reader.at("order"))
    if bounded:
        test = reader.either()
    order = reader.order()
    if not reader.done:
        raise JqlError(f"Error in the JQL Query: Expecting either 'OR' or 'AND' in '{jql}'.")
    return Query(test, order, bounded)


class _Reader:
    def __init__(self, jql: str, now: float) -> None:
        self.now = now
        self.tokens: list[tuple[str, str]] = []
        position, jql = 0, jql.rstrip()
        while position < len(jql):
            found = _TOKEN.match(jql, position)
            if found is None or found.lastgroup is None:
                raise JqlError(f"Error in the JQL Query: unexpected '{jql[position:]}'.")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            position = found.end()
        self.position = 0

    @property
    def done(self) -> bool:
        return self.position >= len(self.tokens)

    def at(self, *words: str) -> bool:
        return not self.done and self.tokens[self.position][1].lower() in words and self._plain()

    def _plain(self) -> bool:
        return self.tokens[self.position][0] != "quoted"

    def take(self, *words: str) -> bool:
        if self.at(*words):
            self.position += 1
            return True
        return False

    def next(self) -> str:
        if self.done:
            raise JqlError("Error in the JQL Query: it ends too early.")
        kind, text = self.tokens[self.position]
        self.position += 1
        return re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "quoted" else text

    def expect(self, word: str) -> None:
        if not self.take(word):
            raise JqlError(f"Error in the JQL Query: expecting '{word}'.")

    def either(self) -> Test:
        tests = [self.all()]
        while self.take("or"):
            tests.append(self.all())
        return lambda row: any(test(row) for test in tests)

    def all(self) -> Test:
        tests = [self.one()]
        while self.take("and"):
            tests.append(self.one())
        return lambda row: all(test(row) for test in tests)

    def one(self) -> Test:
        if self.take("not", "!"):
            inner = self.one()
            return lambda row: not inner(row)
        if self.take("("):
            inner = self.either()
            self.expect(")")
            return inner
        name = _field(self.next())
        return self.clause(name)

    def clause(self, name: str) -> Test:
        if self.take("is"):
            wanted = not self.take("not")
            if not self.take("empty", "null"):
                raise JqlError("Error in the JQL Query: 'is' takes EMPTY or NULL.")
            return lambda row: (row[name] in (None, ())) is wanted
        if self.take("not"):
            self.expect("in")
            return self.among(name, wanted=False)
        if self.take("in"):
            return self.among(name, wanted=True)
        sign = self.next()
        if name in MOMENTS:
            return _compared(name, sign, self.moment())
        value = self.next()
        if name in TEXTS:
            if sign not in ("~", "!~"):
                raise JqlError(f"The operator '{sign}' is not supported by the '{name}' field.")
            return lambda row: (
                (value.lower() in " ".join(_texts(row, name)).lower()) is (sign == "~")
            )
        if sign not in ("=", "!="):
            raise JqlError(f"The operator '{sign}' is not supported by the '{name}' field.")
        return _member(name, [value], wanted=sign == "=")

    def among(self, name: str, *, wanted: bool) -> Test:
        if name not in NAMES:
            raise JqlError(f"The operator 'in' is not supported by the '{name}' field.")
        self.expect("(")
        values = [self.next()]
        while self.take(","):
            values.append(self.next())
        self.expect(")")
        return _member(name, values, wanted=wanted)

    def moment(self) -> float:
        text = self.next()
        if self.take("("):
            self.expect(")")
            if text.lower() != "now":
                raise JqlError(f"Unable to find JQL function '{text}()'.")
            return self.now
        relative = _RELATIVE.fullmatch(text)
        if relative:
            sign, count, unit = relative.groups()
            span = timedelta(**{_UNITS[unit]: int(count)}).total_seconds()
            return self.now - span if sign == "-" else self.now + span
        for form in ("%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d"):
            try:
                return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
            except ValueError:
                continue
        raise JqlError(
            f"Date value '{text}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm'."
        )

    def order(self) -> tuple[tuple[str, bool], ...]:
        if not self.take("order"):
            return ()
        self.expect("by")
        found: list[tuple[str, bool]] = []
        while True:
            name = _field(self.next())
            descending = self.take("desc")
            if not descending:
                self.take("asc")
            found.append((name, descending))
            if not self.take(","):
                return tuple(found)


def _field(word: str) -> str:
    name = ALIASES.get(word.lower(), word.lower())
    if name not in NAMES | MOMENTS | TEXTS:
        raise JqlError(f"Field '{word}' does not exist or you do not have permission to view it.")
    return name


def _texts(row: Row, name: str) -> tuple[str, ...]:
    value = row[name]
    return value if isinstance(value, tuple) else ()


def _member(name: str, values: list[str], *, wanted: bool) -> Test:
    def folded(text: str) -> str:
        return text if name in CASE_KEPT else text.lower()

    asked = {folded(value) for value in values}
    unresolved = name == "resolution" and "unresolved" in asked

    def test(row: Row) -> bool:
        held = {folded(text) for text in _texts(row, name)}
        if not held:
            return unresolved and wanted
        return bool(held & asked) is wanted

    return test


def _compared(name: str, sign: str, moment: float) -> Test:
    tests: dict[str, Callable[[float], bool]] = {
        ">": lambda value: value > moment,
        ">=": lambda value: value >= moment,
        "<": lambda value: value < moment,
        "<=": lambda value: value <= moment,
        "=": lambda value: value == moment,
        "!=": lambda value: value != moment,
    }
    test = tests.get(sign)
    if test is None:
        raise JqlError(f"The operator '{sign}' is not supported by the '{name}' field.")

    def compared(row: Row) -> bool:
        value = row[name]
        return isinstance(value, float) and test(value)

    return compared
