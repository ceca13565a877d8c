"""How an HTTP API gives its pages, and one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urljoin

from blocks.connectors.errors import Refused
from blocks.connectors.http_session import Session, json_of

if TYPE_CHECKING:
    import httpx

Style = Literal["none", "page", "offset", "cursor", "link", "next"]


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


def pages(
    session: Session, address: str, parameters: dict[str, Any], paging: Paging, at: str
) -> Iterator[list[Any]]:
    """Yield the records of each page, as `Paging` says.

    Raises:
        Refused: there is no list where it should be, or the pages lead in a circle or elsewhere.
    """
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
        data = json_of(session, answer)
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
            address, parameters = session.api.below(urljoin(address, following)), {}


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
