"""The frontier of one site: what is to be visited, what is under way, what is done.

Pure, and a function of the visits: fed with those of a journal it stands where the killed worker
stood. No address is handed out twice, unless its visit never came back; so nothing is fetched
twice but what was under way when the worker died.

Bounds keep endless sites from being endless: a bound on pages, on links from a start page, on
the length of one listing's chain of pages, and on pages of a chain that lead to nothing new.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from flows.pipeline.capture.fetching.visit import Found, Kind, Visit

LONGEST_CHAIN: Final = 200
MOST_BARREN: Final = 2
"""Pages of a listing, in a row, without an address that is new: the last page, shown for ever."""
DEEPEST: Final = 3
MOST_SITEMAPS: Final = 200
MOST_PAGES: Final = 20_000
GENEROUS: Final = 3
"""Times the expected pages of a site; beyond that it is a trap, or the site file is wrong."""

_FIRST: Final[tuple[Kind, ...]] = ("robots", "sitemap", "feed", "items", "probe", "listing", "page")


@dataclass(frozen=True)
class Bounds:
    """How far a site is followed.

    Attributes:
        pages: visits of kind page and listing, at the most.
    """

    pages: int = MOST_PAGES

    @classmethod
    def for_site(cls, expected: int | None, most: int | None) -> Bounds:
        """Return the bounds of a site of which this is known."""
        if most is not None:
            return cls(most)
        return cls(MOST_PAGES if expected is None else GENEROUS * expected + 50)


class Frontier:
    """What of a site is to be visited.

    Args:
        bounds: how far.
    """

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.bounds = bounds or Bounds()
        self._known: set[str] = set()
        self._queues: dict[Kind, deque[Found]] = {kind: deque() for kind in _FIRST}
        self._under_way: dict[str, Found] = {}
        self._pages = 0
        self._sitemaps = 0
        self.done = 0
        self.bounded = False

    def __len__(self) -> int:
        """Count what is to be visited and not under way."""
        return sum(len(queue) for queue in self._queues.values())

    @property
    def under_way(self) -> int:
        """How many visits are under way."""
        return len(self._under_way)

    def knows(self, url: str) -> bool:
        """Say whether an address was seen before."""
        return url in self._known

    def add(self, found: Iterable[Found]) -> tuple[Found, ...]:
        """Take in addresses; return those that are new and within the bounds."""
        new = []
        for one in found:
            if one.url not in self._known and self._admits(one):
                self._known.add(one.url)
                self._queues[one.kind].append(one)
                new.append(one)
        return tuple(new)

    def _admits(self, one: Found) -> bool:
        if one.kind == "sitemap":
            self._sitemaps += 1
            return self._sitemaps <= MOST_SITEMAPS
        if one.kind not in ("page", "listing"):
            return True
        if one.depth > DEEPEST or one.chain > LONGEST_CHAIN or one.barren >= MOST_BARREN:
            # The chain is at its end, which is a bound met only where it was still giving.
            self.bounded |= one.chain > LONGEST_CHAIN and one.barren == 0
            return False
        if self._pages >= self.bounds.pages:
            self.bounded = True
            return False
        self._pages += 1
        return True

    def take(self) -> Found | None:
        """Hand out the next address; None if there is none now."""
        for queue in self._queues.values():
            if queue:
                found = queue.popleft()
                self._under_way[found.url] = found
                return found
        return None

    def give_back(self, found: Found) -> None:
        """Take an address back that is to be tried again, after the others of its kind."""
        self._under_way.pop(found.url, None)
        self._queues[found.kind].append(found)

    def record(self, visit: Visit) -> None:
        """Note that an address was visited, and what was found there."""
        self._under_way.pop(visit.url, None)
        self._known.add(visit.url)
        self.done += 1
        self.add(visit.found)

    def replay(self, visits: Iterable[Visit], *, again: bool = False) -> None:
        """Stand where the writer of these visits stood.

        Args:
            visits: of a journal, in any order.
            again: visits whose problem was a passing one are to be made again.
        """
        done = {visit.url: visit for visit in visits if not (again and visit.passing)}
        for visit in done.values():
            self.record(visit)
        for kind, queue in self._queues.items():
            left = [one for one in queue if one.url not in done]
            self._queues[kind] = deque(left)

    def is_done(self) -> bool:
        """Say whether nothing is left and nothing is under way."""
        return not self._under_way and len(self) == 0
