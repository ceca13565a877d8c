"""A deployment's name from its command: short, readable, and unlike every other.

`cd /srv && ./bin/nightly-prices.sh --all >> /var/log/p.log 2>&1` is `nightly-prices-sh`. Options
and their values are left out, and so are URLs and whatever the shell expands: they change more
often than what a job is, and may hold credentials, while a name is shown to everyone. The second
command of the same name becomes `…-2`.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 60
"""Characters of a name that stay readable in the lists of Prefect's pages."""

_SCANNED = 300
"""Characters of a command that its name is made from."""

_PREPARES = frozenset({"cd", "test", "[", "[[", "sleep", "export", "set", "umask"})
"""Commands that prepare for the one that matters."""

_BETWEEN = re.compile(r"[|;&()`]+|[0-9]*[<>]+")
_PLAIN = re.compile(r"[\w./+-]+")
_TAKES_VALUE = re.compile(r"-[a-ln-zA-Z]|--[\w-]+")
"""An option whose value may be the next word; all but `-m`, which names a module to run."""

_NOT_NAME = re.compile(r"[^a-z0-9]+")


class Names:
    """The names given so far.

    Args:
        prefix: what every name begins with, such as the name of the crontab's machine.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = _slug(prefix)
        self._given: set[str] = set()
        self._next: dict[str, int] = {}

    def take(self, command: str) -> str:
        """Return a name for a command, given to no command before."""
        stem = "-".join(filter(None, (self._prefix, name_of(command))))
        name = stem
        while name in self._given:
            self._next[stem] = self._next.get(stem, 1) + 1
            name = f"{stem}-{self._next[stem]}"
        self._given.add(name)
        return name


def name_of(command: str) -> str:
    """Return the name of a command alone: lower-case letters, digits and dashes, never empty."""
    parts = [part for part in map(_words, _BETWEEN.split(command[:_SCANNED])) if part]
    telling = [part for part in parts if part[0] not in _PREPARES] or parts
    words = telling[0] if telling else []
    return _slug(" ".join(word.rstrip("/").rpartition("/")[2] for word in words)) or "command"


def _words(part: str) -> list[str]:
    told: list[str] = []
    option = False
    for word in part.split():
        after_option, option = option, bool(_TAKES_VALUE.fullmatch(word))
        if _PLAIN.fullmatch(word) and word[0] not in "-+" and not (after_option and told):
            told.append(word)
    return told


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return _NOT_NAME.sub("-", plain)[:LONGEST].strip("-")
