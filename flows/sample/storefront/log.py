"""The storefront's own record of what it was asked: claims of politeness are checked against it."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, overload


class Request(NamedTuple):
    """One request as the server saw it.

    Attributes:
        host: of the shop, such as ``127.77.0.1:8080``.
        shop: its name.
        target: path and query.
        instant: seconds of a monotonic clock of the server, when the request was complete.
        status: that was sent; 0 where the connection was broken or left without an answer.
        agent: the user agent that asked.
    """

    host: str
    shop: str
    target: str
    instant: float
    status: int
    agent: str

    @property
    def path(self) -> str:
        """Return the target without its query."""
        return self.target.partition("?")[0]


class Log(Sequence[Request]):
    """All requests so far, in the order in which they came."""

    def __init__(self, requests: Iterable[Request] = ()) -> None:
        self._requests: list[Request] = list(requests)

    def __len__(self) -> int:
        return len(self._requests)

    @overload
    def __getitem__(self, place: int) -> Request: ...
    @overload
    def __getitem__(self, place: slice) -> list[Request]: ...
    def __getitem__(self, place: int | slice) -> Request | list[Request]:
        return self._requests[place]

    def __iter__(self) -> Iterator[Request]:
        return iter(self._requests[:])

    def add(self, request: Request) -> None:
        """Note a request; called from the server's thread alone."""
        self._requests.append(request)

    def clear(self) -> None:
        """Forget everything."""
        self._requests.clear()

    def of(self, shop: str) -> list[Request]:
        """Return the requests of one shop."""
        return [one for one in self if one.shop == shop]

    def most_within(self, seconds: float) -> dict[str, int]:
        """Return for each shop the most requests that any span of so many seconds saw.

        Args:
            seconds: the length of the span, its end included.
        """
        instants: dict[str, list[float]] = defaultdict(list)
        for one in self:
            instants[one.shop].append(one.instant)
        most = {}
        for shop, moments in instants.items():
            moments.sort()
            ends = (bisect_right(moments, start + seconds) for start in moments)
            most[shop] = max(end - place for place, end in enumerate(ends))
        return most
