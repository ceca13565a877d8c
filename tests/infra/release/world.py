"""A world that a release happens in, kept in memory: it fails, is slow and kills as it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from infra.release.model import Active, Colour, Release, Version
from infra.release.parts import Unanswered
from infra.release.seen import Look, Seen
from infra.release.steps import Kind, Step

OLD = Version("a" * 64, "c0ffee", "old", "0001")
NEW = Version("b" * 64, "decade", "new", "0002")
ACTIVE = Active(OLD, Colour.BLUE, "first")


def release(**changed: object) -> Release:
    return Release("r2", NEW, Colour.GREEN, ACTIVE, **changed)  # type: ignore[arg-type]


class Killed(BaseException):
    """The driver's process is gone."""


@dataclass
class World:
    """What there is; `trouble` is asked before (and after) each act and look.

    Its answers: ``fail``, ``unanswered``, ``killed before``, ``killed after``, ``absent`` (an act
    that has no effect), or None.
    """

    trouble: Callable[[str, Step], str | None] = lambda _what, _step: None
    workers: dict[Colour, Version] = field(default_factory=lambda: {Colour.BLUE: OLD})
    controllers: dict[Colour, Version] = field(default_factory=lambda: {Colour.BLUE: OLD})
    proxy: Colour = Colour.BLUE
    share: int = 0
    schema: str = "0001"
    published: Version = OLD
    busy: dict[Colour, int] = field(default_factory=lambda: {Colour.BLUE: 2, Colour.GREEN: 0})
    canaries: set[str] = field(default_factory=set)
    acts: list[Step] = field(default_factory=list)

    def state(self) -> tuple[object, ...]:
        return (self.workers, self.controllers, self.proxy, self.share, self.schema, self.published)

    def check(self) -> None:
        """What holds at every moment."""
        assert self.proxy in self.controllers, "the proxy points at nobody"
        assert self.share == 0 or Colour.GREEN in self.workers, "runs for workers that are gone"
        assert self.share == 100 or Colour.BLUE in self.workers, "runs for workers that are gone"
        if self.proxy is Colour.GREEN:
            assert self.schema == "0002", "a controller whose schema is gone"
        for colour in Colour:
            assert not self.busy[colour] or colour in self.workers, "runs without their version"

    def look(self, step: Step, made: Release) -> Seen:
        trouble = self.trouble("look", step)
        if trouble == "unanswered":
            raise Unanswered("slow")
        if trouble == "fail":
            return Seen(step, Look.FAILED, "injected")
        if trouble == "killed before":
            raise Killed
        if step.kind in {Kind.DRAIN_OLD, Kind.DRAIN_NEW}:
            colour = made.colour.other if step.kind is Kind.DRAIN_OLD else made.colour
            if self.busy[colour]:
                self.busy[colour] -= 1
                return Seen(step, Look.WAITING)
            return Seen(step, Look.DONE)
        return Seen(step, Look.DONE if self._is(step, made) else Look.ABSENT)

    def _is(self, step: Step, made: Release) -> bool:
        new, old = made.colour, made.colour.other
        return {
            Kind.START_WORKERS: self.workers.get(new) == made.version,
            Kind.BACK_WORKERS: self.workers.get(old) == OLD,
            Kind.CANARY_WORKERS: "workers" in self.canaries,
            Kind.CANARY_CONTROLLER: "controller" in self.canaries,
            Kind.SHIFT: self.share == step.share,
            Kind.UNSHIFT: self.share == 0 and self.published == OLD,
            Kind.MIGRATE: self.schema == made.version.schema,
            Kind.LOWER: self.schema == made.version.schema,
            Kind.REVERT: self.schema == OLD.schema,
            Kind.START_CONTROLLER: self.controllers.get(new) == made.version,
            Kind.BACK_CONTROLLER: self.controllers.get(old) == OLD,
            Kind.SWAP_PROXY: self.proxy is new,
            Kind.BACK_PROXY: self.proxy is old,
            Kind.PUBLISH: self.published == made.version,
            Kind.STOP_OLD_CONTROLLER: old not in self.controllers,
            Kind.STOP_NEW_CONTROLLER: new not in self.controllers,
            Kind.STOP_OLD_WORKERS: old not in self.workers,
            Kind.STOP_NEW_WORKERS: new not in self.workers,
        }[step.kind]

    def act(self, step: Step, made: Release) -> None:
        self.acts.append(step)
        trouble = self.trouble("act", step)
        if trouble == "killed before":
            raise Killed
        if trouble == "fail":
            raise RuntimeError("injected")
        if trouble == "unanswered":
            raise Unanswered("slow")
        if trouble != "absent":
            self._do(step, made)
            self.check()
        if trouble == "killed after":
            raise Killed

    def _do(self, step: Step, made: Release) -> None:  # noqa: C901, PLR0912
        new, old = made.colour, made.colour.other
        match step.kind:
            case Kind.START_WORKERS:
                self.workers[new] = made.version
            case Kind.BACK_WORKERS:
                self.workers[old] = OLD
            case Kind.CANARY_WORKERS:
                self.canaries.add("workers")
            case Kind.CANARY_CONTROLLER:
                self.canaries.add("controller")
            case Kind.SHIFT:
                self.share = step.share
                self.busy[new] += 1
            case Kind.UNSHIFT:
                self.share, self.published = 0, OLD
            case Kind.MIGRATE | Kind.LOWER:
                self.schema = made.version.schema
            case Kind.REVERT:
                self.schema = OLD.schema
            case Kind.START_CONTROLLER:
                assert self.workers.get(new) == made.version, "a controller ahead of its workers"
                assert not self.busy[old], "the old workers were not drained"
                self.controllers[new] = made.version
            case Kind.BACK_CONTROLLER:
                self.controllers[old] = OLD
            case Kind.SWAP_PROXY:
                self.proxy = new
            case Kind.BACK_PROXY:
                self.proxy = old
            case Kind.PUBLISH:
                self.published = made.version
            case Kind.STOP_OLD_CONTROLLER:
                del self.controllers[old]
            case Kind.STOP_NEW_CONTROLLER:
                del self.controllers[new]
            case Kind.STOP_OLD_WORKERS:
                del self.workers[old]
            case Kind.STOP_NEW_WORKERS:
                del self.workers[new]
