"""HTTP APIs: pages of records in every common style, at the pace that the other side allows.

An extraction of hundreds of pages meets a 429 or a 503 sooner or later, and must not begin again
for it: a page is asked for again here, `attempts` times at the most, after ``Retry-After`` or with
exponential back-off and full jitter (only GET, which changes nothing). What still fails is the
step's to try.

Credentials go to the block's own host alone: a next page that leads elsewhere is refused, and so
are redirects to other hosts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal
from urllib.parse import urljoin, urlsplit

from pydantic.v1 import Field, SecretStr, root_validator

from blocks.connectors.base import MASK, Connector
from blocks.connectors.errors import Refused, Unreachable
from blocks.connectors.parquet import (
    BATCH,
    Exported,
    batch_of,
    columns,
    in_batches,
    parquet_file,
)

if TYPE_CHECKING:
    import httpx

Style = Literal["none", "page", "offset", "cursor", "link", "next"]
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
EARLY = 60.0
"""Seconds before its end at which a token is replaced: clocks differ, requests take time."""


@dataclass(frozen=True)
class Paging:
    """How an API gives its pages.

    Attributes:
        style: ``none``; ``page`` numbers or ``offset`` until a page has fewer than `size` records;
            ``cursor``, in the answer at `path`, sent as `parameter`; ``link``, the header Link
            with rel="next" (RFC 8288); ``next``, an address in the answer at `path`.
        parameter: of the query, that carries the number, offset or cursor.
        size: records of a page, sent as `size_parameter`.
        size_parameter: none where the API takes no size.
        first: the first page's number.
        path: keys to the cursor or address in the answer, joined by dots.
    """

    style: Style = "none"
    parameter: str = "page"
    size: int = 100
    size_parameter: str | None = None
    first: int = 1
    path: str = "next"


class HttpApi(Connector):
    """An HTTP API that answers in JSON.

    Args:
        base_url: what paths are below.
        auth: ``none``; ``bearer`` or ``header`` with `token`; ``basic`` with `user` and
            `password`; ``oauth`` for OAuth 2.0 client credentials (RFC 6749, 4.4).
        token: for ``bearer`` and ``header``.
        header: name of the header that takes the token, for ``header``.
        user: for ``basic``.
        password: for ``basic``.
        token_url: where OAuth gives tokens.
        client_id: for ``oauth``.
        client_secret: for ``oauth``.
        scope: for ``oauth``.
        rate: requests a second at the most; none for no limit.
        attempts: how often a page is asked for.
        headers: sent with every request; no secrets.
        probe: path that `check` asks for.
    """

    _block_type_name = "HTTP API"
    _block_type_slug = "http-api"
    policy: ClassVar[Literal["network", "warehouse"]] = "network"

    base_url: str = Field(default=..., description="What paths are below.")
    auth: Literal["none", "bearer", "header", "basic", "oauth"] = Field(
        default="none", description="How the API knows who asks."
    )
    token: SecretStr | None = Field(default=None, description="For bearer and header.")
    header: str = Field(default="X-Api-Key", description="Header that takes the token.")
    user: str | None = Field(default=None, description="For basic.")
    password: SecretStr | None = Field(default=None, description="For basic.")
    token_url: str | None = Field(default=None, description="Where OAuth gives tokens.")
    client_id: str | None = Field(default=None, description="For oauth.")
    client_secret: SecretStr | None = Field(default=None, description="For oauth.")
    scope: str | None = Field(default=None, description="For oauth.")
    rate: float | None = Field(default=None, gt=0, description="Requests a second at the most.")
    attempts: int = Field(default=5, ge=1, description="How often a page is asked for.")
    headers: dict[str, str] = Field(default_factory=dict, description="Sent with every request.")
    probe: str = Field(default="", description="Path that check asks for.")

    @root_validator(skip_on_failure=True)
    def _has_what_it_needs(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 - pydantic 1
        needed = {
            "bearer": ("token",),
            "header": ("token",),
            "basic": ("user", "password"),
            "oauth": ("token_url", "client_id", "client_secret"),
        }.get(values["auth"], ())
        missing = [name for name in needed if not values[name]]
        if missing:
            raise ValueError(f"auth {values['auth']} needs {', '.join(missing)}")
        return values

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        parts = urlsplit(self.base_url)
        return f"{parts.hostname}{parts.path}".rstrip("/")

    def get(self, path: str, parameters: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON that a path answers; see `records` for pages.

        Raises:
            Refused: the API says no; its words are in the error.
            Unreachable: it does not answer, or is busy for longer than our patience.
        """
        with _Session(self) as session:
            return _json(session, session.get(self._below(path), parameters))

    def records(
        self,
        path: str,
        *,
        parameters: Mapping[str, Any] | None = None,
        paging: Paging | None = None,
        at: str = "",
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of all pages.

        Args:
            path: below the block's address.
            parameters: of the query, on every page.
            paging: how the API gives its pages; one page by default.
            at: keys to the list of records in an answer, joined by dots; the answer itself is
                the list by default.
        """
        paging = paging or Paging()
        end = time.monotonic() + self.time_limit
        with _Session(self) as session:
            for answer in _pages(session, self._below(path), dict(parameters or {}), paging, at):
                if time.monotonic() > end:
                    raise Unreachable(
                        f"{self.where()} did not give all pages within {self.time_limit:g} s",
                        "Give the connector's time_limit more, or ask for less at a time.",
                    )
                yield from answer

    def export(
        self,
        path: str,
        to: str | Path,
        *,
        schema: Mapping[str, str],
        parameters: Mapping[str, Any] | None = None,
        paging: Paging | None = None,
        at: str = "",
    ) -> Exported:
        """Write the records of all pages to a Parquet file, whole or not at all.

        Args:
            path: below the block's address.
            to: a path, or anything that fsspec opens.
            schema: key (joined by dots for nested ones) to the type of its column, as
                `parquet.columns` knows them.
            parameters: as for `records`.
            paging: as for `records`.
            at: as for `records`.

        Raises:
            Refused: also where a value does not fit its column; names it.
            Unreachable: the API does not answer.
        """
        arrow = columns(schema)
        records = self.records(path, parameters=parameters, paging=paging, at=at)
        rows = ([_cell(found(record, key), schema[key]) for key in schema] for record in records)
        with parquet_file(to, arrow) as growing:
            for part in in_batches(rows, BATCH):
                growing.write(batch_of(part, arrow, self.where()))
        assert growing.exported is not None
        return growing.exported

    def _below(self, path: str) -> str:
        address = urljoin(f"{self.base_url.rstrip('/')}/", path.lstrip("/"))
        if urlsplit(address).netloc != urlsplit(self.base_url).netloc:
            raise Refused(f"{self.where()}: {path!r} leads to another host", "Give a path.")
        return address

    def _check(self) -> str:
        with _Session(self) as session:
            session.get(self._below(self.probe), None)
        return f"{self.where()}/{self.probe}: answered, and let us in ({self.auth})"


@dataclass
class _Session:
    """Requests of one verb: one client, one token, one pace."""

    api: HttpApi
    free_at: float = 0.0
    token: str | None = None
    token_ends: float = 0.0
    _client: httpx.Client | None = field(default=None, repr=False)

    def __enter__(self) -> _Session:
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


def _pages(
    session: _Session, address: str, parameters: dict[str, Any], paging: Paging, at: str
) -> Iterator[list[Any]]:
    if paging.size_parameter:
        parameters[paging.size_parameter] = paging.size
    number, seen = paging.first, set[str]()
    position = 0
    if paging.style == "page":
        parameters[paging.parameter] = number
    elif paging.style == "offset":
        parameters[paging.parameter] = position
    while True:
        answer = session.get(address, parameters)
        data = _json(session, answer)
        records = found(data, at) if at else data
        if not isinstance(records, list):
            raise Refused(
                f"{session.api.where()}: no list of records at {at or 'the top'} of the answer",
                "Say where they are: at='data.items'.",
            )
        yield records
        if paging.style == "none":
            return
        if paging.style in ("page", "offset"):
            if len(records) < paging.size:
                return
            number, position = number + 1, position + len(records)
            parameters[paging.parameter] = number if paging.style == "page" else position
            continue
        following = _following(answer, data, paging)
        if not following:
            return
        if following in seen:
            raise Refused(
                f"{session.api.where()}: its pages lead in a circle", "See how it gives its pages."
            )
        seen.add(following)
        if paging.style == "cursor":
            parameters[paging.parameter] = following
        else:
            # The next address carries the whole query.
            address, parameters = session.api._below(urljoin(address, following)), {}


def _following(answer: httpx.Response, data: Any, paging: Paging) -> str:
    if paging.style == "link":
        return str(answer.links.get("next", {}).get("url") or "")
    return str(found(data, paging.path) or "")


def found(data: Any, path: str) -> Any:
    """Return what is at keys joined by dots in nested mappings; None where one is missing."""
    for key in path.split("."):
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def _cell(value: Any, kind: str) -> Any:
    """Return a JSON value as its column takes it: exact decimals, ISO dates and times."""
    import json
    from datetime import date, datetime
    from decimal import Decimal, InvalidOperation

    if value is None:
        return None
    if kind == "string":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    try:
        if kind.startswith("decimal"):
            return Decimal(str(value))
        if kind.startswith("date"):
            return date.fromisoformat(value)
        if kind.startswith("timestamp"):
            return datetime.fromisoformat(value)
    except (ValueError, TypeError, InvalidOperation):
        return value  # `batch_of` names the column
    return value


def _json(session: _Session, answer: httpx.Response) -> Any:
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
