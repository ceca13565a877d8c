"""HTTP APIs: pages of records in every common style, at the pace that the other side allows.

An extraction of hundreds of pages meets a 429 or a 503 sooner or later, and must not begin again
for it: a page is asked for again here, `attempts` times at the most, after ``Retry-After`` or with
exponential back-off and full jitter (only GET, which changes nothing). What still fails is the
step's to try.

Credentials go to the block's own host alone: a next page that leads elsewhere is refused, and so
are redirects to other hosts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal
from urllib.parse import urljoin, urlsplit

from pydantic.v1 import Field, SecretStr, root_validator

from blocks.connectors.base import Connector
from blocks.connectors.errors import Refused, Unreachable
from blocks.connectors.http_paging import Paging, found, pages
from blocks.connectors.http_session import Session, json_of
from blocks.connectors.parquet import (
    BATCH,
    Exported,
    batch_of,
    columns,
    in_batches,
    parquet_file,
)


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
        with Session(self) as session:
            return json_of(session, session.get(self.below(path), parameters))

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
        with Session(self) as session:
            for answer in pages(session, self.below(path), dict(parameters or {}), paging, at):
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

    def below(self, path: str) -> str:
        """Return the address of a path.

        Raises:
            Refused: it would leave the API's host.
        """
        address = urljoin(f"{self.base_url.rstrip('/')}/", path.lstrip("/"))
        if urlsplit(address).netloc != urlsplit(self.base_url).netloc:
            raise Refused(f"{self.where()}: {path!r} leads to another host", "Give a path.")
        return address

    def _check(self) -> str:
        with Session(self) as session:
            session.get(self.below(self.probe), None)
        return f"{self.where()}/{self.probe}: answered, and let us in ({self.auth})"


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
