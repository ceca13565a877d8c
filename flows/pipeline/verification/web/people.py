"""Who is asking: sessions by token, people named by a proxy, and proof that a form is ours.

Two ways in. A proxy that has signed somebody in (OIDC) names the person in a header; it is believed
when the connection comes from one of the configured addresses, and from nobody else, so the proxy
must also drop the header from what it is sent. Or a person gives a token from the list; a signed
cookie then stands for it for a working day, and ends when the token leaves the list.

A form that changes something carries a token made from the server's secret and the person's name,
and must come from our own pages: another site knows neither.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from itsdangerous import BadData, URLSafeTimedSerializer

from flows.pipeline.verification.errors import BadSettings
from flows.pipeline.verification.rows import Person
from flows.pipeline.verification.settings import ReviewSettings

SESSION_SECONDS: Final = 12 * 3600
"""A working day."""
SHORTEST_TOKEN: Final = 16
"""Characters: fewer can be guessed."""
COOKIE: Final = "review_session"


@dataclass(frozen=True)
class Token:
    """An entry of the token list, its token only as a hash."""

    name: str
    lead: bool
    digest: str


def read_tokens(text: str) -> tuple[Token, ...]:
    """Return the token list.

    Raises:
        BadSettings: an entry is not ``name:role:token``; it is named by its place, never quoted.
    """
    found: dict[str, Token] = {}
    entries = [entry.strip() for entry in text.replace("\n", ",").split(",") if entry.strip()]
    for place, entry in enumerate(entries, 1):
        name, _, rest = entry.partition(":")
        role, _, token = rest.partition(":")
        if not name or role not in ("reviewer", "lead") or len(token) < SHORTEST_TOKEN:
            raise BadSettings(
                f"DATAWEAVE_REVIEW_TOKENS, entry {place}: not name:role:token",
                "The role is reviewer or lead, and a token has at least"
                f" {SHORTEST_TOKEN} characters.",
            )
        if name in found:
            raise BadSettings(
                f"DATAWEAVE_REVIEW_TOKENS, entry {place}: a name that is there already",
                "One person has one token.",
            )
        found[name] = Token(name, role == "lead", _digest(token))
    return tuple(found.values())


class People:
    """Knows who is asking.

    Args:
        settings: of the desk.
    """

    def __init__(self, settings: ReviewSettings) -> None:
        given = settings.review_secret
        secret = given.get_secret_value() if given else secrets.token_hex(32)
        if len(secret) < 32:
            raise BadSettings("DATAWEAVE_REVIEW_SECRET is too short", "Give 32 characters or more.")
        listed = settings.review_tokens
        self._tokens = read_tokens(listed.get_secret_value()) if listed else ()
        self._key = secret.encode()
        self._sessions = URLSafeTimedSerializer(secret, salt="review-session")
        self._settings = settings

    @property
    def take_tokens(self) -> bool:
        """Whether anybody can sign in by token."""
        return bool(self._tokens)

    def sign_in(self, token: str) -> str | None:
        """Return the session cookie of whoever has this token; None for a wrong one."""
        digest = _digest(token.strip())
        for entry in self._tokens:
            if hmac.compare_digest(entry.digest, digest):
                made = self._sessions.dumps([entry.name, entry.digest[:16]])
                return made if isinstance(made, str) else made.decode()
        return None

    def identify(
        self, peer: str | None, headers: Mapping[str, str], cookie: str | None
    ) -> Person | None:
        """Return who is asking; None for nobody that we know.

        Args:
            peer: address at the other end of the connection.
            headers: of the request, by lower-case name.
            cookie: the session, if one came.
        """
        if self.is_proxy(peer):
            named = headers.get(self._settings.review_user_header.lower(), "").strip()
            if named:
                return self._from_proxy(named, headers)
        return self._from_session(cookie) if cookie else None

    def is_proxy(self, peer: str | None) -> bool:
        """Say whether a connection comes from one of the configured proxies."""
        try:
            address = ip_address(peer or "")
        except ValueError:
            return False
        return any(address in network for network in self._settings.review_proxies)

    def csrf(self, person: Person) -> str:
        """Return what a form of this person's carries."""
        return hmac.new(self._key, f"csrf\x1f{person.name}".encode(), hashlib.sha256).hexdigest()

    def is_ours(self, person: Person, given: str | None) -> bool:
        """Say whether a form was made by us for this person."""
        return given is not None and hmac.compare_digest(
            self.csrf(person).encode(), given.encode("utf-8", "replace")
        )

    def _from_proxy(self, name: str, headers: Mapping[str, str]) -> Person | None:
        given = headers.get(self._settings.review_groups_header.lower(), "")
        groups = {group.strip() for group in given.split(",") if group.strip()}
        lead = self._settings.review_leads in groups
        wanted = self._settings.review_reviewers
        if wanted and not lead and wanted not in groups:
            return None
        return Person(name[:200], lead)

    def _from_session(self, cookie: str) -> Person | None:
        try:
            name, mark = self._sessions.loads(cookie, max_age=SESSION_SECONDS)
        except (BadData, ValueError, TypeError):
            return None
        for entry in self._tokens:
            if entry.name == name and hmac.compare_digest(entry.digest[:16], str(mark)):
                return Person(entry.name, entry.lead)
        return None


def same_site(headers: Mapping[str, str], host: str) -> bool:
    """Say whether a request comes from our own pages, as the browser tells.

    Args:
        headers: by lower-case name.
        host: under which we are asked, with the port.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    return urlsplit(origin).netloc.lower() == host.lower()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
