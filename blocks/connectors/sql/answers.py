"""What a database answered when it did not do what it was asked, as one of our errors.

By SQLSTATE where there is one (psycopg, after the connection stands), by error number for MySQL
and MariaDB, and by the server's words for a connection that PostgreSQL refuses, since libpq
passes no code on.
"""

from __future__ import annotations

from typing import Any

from blocks.connectors.errors import ConnectorError, Interrupted, Refused, Unreachable

ACCESS = "Correct the block's user and password, or have the user let in."
RIGHTS = "Have the user granted what it lacks."
NAMES = "Correct the name, or see what became of the table over there."

_BUSY_WORDS = (
    "starting up",
    "shutting down",
    "too many",
    "recovery mode",
    "remaining connection slots",
)
_SQLSTATES = {
    "28": (Refused, "lets nobody in with this user and password", ACCESS),
    "3D": (Refused, "has no such database", "Correct the block's database."),
    "42501": (Refused, "does not permit it", RIGHTS),
    "42P01": (Refused, "has no such table", NAMES),
    "42703": (Refused, "has no such column", NAMES),
    "57014": (Interrupted, "stopped the statement", "See who did, and why."),
}
_PASSING = {"40001", "40P01", "55P03"}
"""Of two transactions that met, one; a lock that was held."""
_MYSQL = {
    1045: (Refused, "lets nobody in with this user and password", ACCESS),
    1698: (Refused, "lets nobody in with this user and password", ACCESS),
    1044: (Refused, "does not permit it", RIGHTS),
    1142: (Refused, "does not permit it", RIGHTS),
    1143: (Refused, "does not permit it", RIGHTS),
    1227: (Refused, "does not permit it", RIGHTS),
    1049: (Refused, "has no such database", "Correct the block's database."),
    1146: (Refused, "has no such table", NAMES),
    1054: (Refused, "has no such column", NAMES),
    2002: (Unreachable, "does not answer", "See whether it runs and answers."),
    2003: (Unreachable, "does not answer", "See whether it runs and answers."),
    1317: (Interrupted, "stopped the statement", "See who did, and why."),
}
_MYSQL_LIMITS = {1969, 3024}
_MYSQL_AWAY = {1040, 1053, 1158, 1159, 1160, 1161, 1203, 1205, 1213, 2006, 2013, 2055}


def meaning(error: BaseException, where: str, said: str, limit: float) -> ConnectorError:
    """Return what a driver's error means.

    Args:
        error: the driver's own, of which psycopg and pymysql each have a kind.
        where: the database, without secrets.
        said: its words, cleaned.
        limit: the statement's time limit, for its words.
    """
    state = getattr(error, "sqlstate", None)
    number = error.args[0] if error.args and isinstance(error.args[0], int) else None
    if (state == "57014" and "timeout" in said) or number in _MYSQL_LIMITS:
        return Unreachable(
            f"{where} did not finish the statement within {limit:g} s",
            "Give the connector's time_limit more, or ask for less at a time.",
        )
    if number is not None:
        return _made(_MYSQL.get(number), where, said, away=number in _MYSQL_AWAY)
    if state is not None:
        known = _SQLSTATES.get(state) or _SQLSTATES.get(state[:2])
        away = state[:2] in ("08", "53", "57") or state in _PASSING
        return _made(known, where, said, away=away)
    return _without_code(error, where, said)


def _without_code(error: BaseException, where: str, said: str) -> ConnectorError:
    if "FATAL" in said and not any(word in said for word in _BUSY_WORDS):
        return Refused(f"{where} lets us not in: {said}", ACCESS)
    names = {kind.__name__ for kind in type(error).__mro__}
    if names & {"OperationalError", "InterfaceError", "ConnectionTimeout", "OSError"}:
        return Unreachable(f"{where} does not answer: {said}", "See whether it runs and answers.")
    return Refused(f"{where} refused: {said}", "Correct the query or the rows.")


def _made(known: Any, where: str, said: str, *, away: bool) -> ConnectorError:
    if known is not None:
        kind, problem, action = known
        made: ConnectorError = kind(f"{where} {problem}: {said}", action)
        return made
    if away:
        return Unreachable(f"{where} broke off: {said}", "See whether it runs and answers.")
    return Refused(f"{where} refused: {said}", "Correct the query or the rows.")
