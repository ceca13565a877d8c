"""The requests of one verb on an HTTP API: one client, one token, one pace."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from blocks.connectors.base import MASK
from blocks.connectors.errors import Refused, Unreachable

if TYPE_CHECKING:
    import httpx

    from blocks.connectors.http_api import HttpApi

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
EARLY = 60.0
"""Seconds before its end at which a token is replaced: clocks differ, requests take time."""


@dataclass
class Session:
    """Requests of one verb: one client, one token, one pace."""

    api: HttpApi
    free_at: float = 0.0
    token: str | None = None
    token_ends: float = 0.0
    _client: httpx.Client | None = field(default=None, repr=False)

    def __enter__(self) -> Session:
        import httpx

        self._client = httpx.Client(
            timeout=self.api.timeout, headers=self.api.headers, follow_redirects=False
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._client is not None
        self._client.close()

    def get(self, address: str, parameters: Mapping[str, Any] | None) -> httpx.Response:
        """Ask for an address, again where that may help; return a good answer."""
        import httpx

        api, problem, wait, renewed = self.api, "", None, False
        for attempt in range(api.attempts):
            if attempt:
                self._sleep(attempt, wait)
            self._pace()
            assert self._client is not None
            try:
                answer = self._client.get(
                    address, params=parameters or None, headers=self._authorised()
                )
            except httpx.TransportError as error:
                problem, wait = f"{api.where()} does not answer: {type(error).__name__}", None
                continue
            if answer.is_success:
                return answer
            problem = f"{api.where()} answered {answer.status_code}: {self._said(answer)}"
            if answer.status_code == 401 and api.auth == "oauth" and not renewed:
                # Revoked before its time: one new token, then it is the account.
                self.token, renewed, wait = None, True, 0.0
                continue
            if answer.status_code not in BUSY:
                raise _refused(answer.status_code, problem)
            wait = _asked(answer)
        raise Unreachable(problem, "See whether it runs, or ask more slowly (rate).", wait)

    def _authorised(self) -> dict[str, str]:
        import httpx

        api = self.api
        if api.auth == "basic":
            assert api.password is not None
            made = httpx.BasicAuth(api.user or "", api.password.get_secret_value())
            return {"Authorization": made._auth_header}
        if api.auth == "oauth":
            return {"Authorization": f"Bearer {self._oauth()}"}
        if api.token is None or api.auth == "none":
            return {}
        token = api.token.get_secret_value()
        return {api.header: token} if api.auth == "header" else {"Authorization": f"Bearer {token}"}

    def _oauth(self) -> str:
        import httpx

        if self.token is not None and time.monotonic() < self.token_ends:
            return self.token
        api = self.api
        assert api.client_secret is not None
        assert self._client is not None
        asked = {"grant_type": "client_credentials", **({"scope": api.scope} if api.scope else {})}
        try:
            answer = self._client.post(
                str(api.token_url),
                data=asked,
                auth=(str(api.client_id), api.client_secret.get_secret_value()),
            )
        except httpx.TransportError as error:
            problem = f"{api.where()}: its token server does not answer: {type(error).__name__}"
            raise Unreachable(problem, "See whether it runs.") from error
        if answer.status_code in BUSY:
            problem = f"{api.where()}: its token server answered {answer.status_code}"
            raise Unreachable(problem, "It is asked again.", _asked(answer))
        try:
            given = answer.raise_for_status().json()
            self.token = str(given["access_token"])
            self.token_ends = time.monotonic() + float(given.get("expires_in", 300)) - EARLY
        except (httpx.HTTPStatusError, ValueError, KeyError, TypeError) as error:
            said = self._said(answer)
            raise Refused(
                f"{api.where()}: its token server gave no token ({answer.status_code}): {said}",
                "Correct the block's token_url, client_id, client_secret and scope.",
            ) from error
        return self.token

    def _said(self, answer: httpx.Response) -> str:
        """Return the beginning of an answer's words, without secrets: masked before it is cut."""
        text = self.api.cleaned(answer.text)
        return (text.replace(self.token, MASK) if self.token else text)[:300]

    def _pace(self) -> None:
        if self.api.rate is None:
            return
        now = time.monotonic()
        if self.free_at > now:
            time.sleep(self.free_at - now)
        self.free_at = max(now, self.free_at) + 1 / self.api.rate

    def _sleep(self, attempt: int, asked: float | None) -> None:
        drawn = random.uniform(0, min(30.0, 0.5 * 2.0**attempt))  # noqa: S311 - jitter
        wait = drawn if asked is None else asked
        if wait > self.api.time_limit:
            raise Unreachable(
                f"{self.api.where()} asks to wait {wait:g} s", "The step waits for it.", wait
            )
        time.sleep(wait)


def json_of(session: Session, answer: httpx.Response) -> Any:
    """Return an answer's JSON.

    Raises:
        Refused: it is none.
    """
    try:
        return answer.json()
    except ValueError as error:
        raise Refused(
            f"{session.api.where()}: the answer is no JSON",
            "See whether a proxy or login page answers in its place.",
        ) from error


def _refused(status: int, problem: str) -> Refused:
    if status in (401, 403):
        return Refused(problem, "Correct the block's credentials, or have us let in.")
    if 300 <= status < 400:
        return Refused(problem, "It leads elsewhere: correct the block's base_url.")
    return Refused(problem, "Correct the path or the parameters.")


def _asked(answer: httpx.Response) -> float | None:
    from blocks.errors import seconds

    return seconds(answer.headers.get("Retry-After"))
