"""What a release does next: a pure state machine.

Forward, step by step; workers first, since a controller that is ahead of its workers fails. A step
is looked at before it is acted on, always: so a driver that was killed between an act and its
record finds the act done. When a step fails, anywhere, everything goes back: both fleets and both
controllers are brought to where they were. Each step of the way back is wanted whether or not its
counterpart was reached, because nobody knows what a killed driver did last; what there is nothing
to undo of is found done.

On the way back a step that fails does not hold up the others that do not need it: a proxy that
refuses everything is tried again, and again last, while workers are already back. What fails too
often leaves the release *stuck*, with the list of what remains; `resume` tries anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from infra.release.model import Event, Release


class Kind(StrEnum):
    """Kinds of steps; *new* is the side that comes up, *old* the one that works until then."""

    START_WORKERS = "start workers"
    CANARY_WORKERS = "canary on the new workers"
    SHIFT = "shift"
    DRAIN_OLD = "drain old workers"
    MIGRATE = "migrate"
    START_CONTROLLER = "start controller"
    CANARY_CONTROLLER = "canary by the new controller"
    SWAP_PROXY = "swap proxy"
    PUBLISH = "publish deployments"
    STOP_OLD_CONTROLLER = "stop old controller"
    STOP_OLD_WORKERS = "stop old workers"
    LOWER = "lower schema"

    BACK_WORKERS = "back: old workers"
    BACK_CONTROLLER = "back: old controller"
    BACK_PROXY = "back: proxy"
    UNSHIFT = "back: deployments"
    DRAIN_NEW = "back: drain new workers"
    STOP_NEW_CONTROLLER = "back: stop new controller"
    REVERT = "back: schema"
    STOP_NEW_WORKERS = "back: stop new workers"


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """A step.

    Attributes:
        kind: what it does.
        share: percentage of deployments that a shift brings over.
    """

    kind: Kind
    share: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.share} %" if self.kind is Kind.SHIFT else str(self.kind)


class Look(StrEnum):
    """What a look at a step found."""

    ABSENT = "absent"  # not begun, or begun and gone: act
    WAITING = "waiting"  # under way
    DONE = "done"
    FAILED = "failed"  # and will not get better by itself
    UNKNOWN = "unknown"  # nobody answers: neither done nor failed


@dataclass(frozen=True, slots=True)
class Seen:
    """An observation of a step."""

    step: Step
    look: Look
    told: str = ""


class Way(StrEnum):
    """Where a release is going, or has come to."""

    FORWARD = "forward"
    BACK = "back"
    RELEASED = "released"
    TURNED_BACK = "turned back"
    STUCK = "stuck"


ENDED: Final = frozenset({Way.RELEASED, Way.TURNED_BACK})


class Do(StrEnum):
    """What the driver is to do."""

    LOOK = "look"
    ACT = "act"
    PAUSE = "pause"  # and then look
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Action:
    """The driver's next action."""

    do: Do
    step: Step | None = None


MINUTE: Final = 60.0
DEADLINES: Final[Mapping[Kind, float]] = {
    Kind.SHIFT: 60 * MINUTE,
    Kind.UNSHIFT: 60 * MINUTE,
    Kind.PUBLISH: 60 * MINUTE,
    Kind.DRAIN_OLD: 360 * MINUTE,
    Kind.DRAIN_NEW: 360 * MINUTE,
    Kind.MIGRATE: 30 * MINUTE,
    Kind.REVERT: 30 * MINUTE,
}
"""Seconds in which a step has to be done; a drain lasts as long as the longest run, and whoever
moves deployments waits until runs that are due have begun."""
PIECEMEAL: Final = frozenset(
    {Kind.SHIFT, Kind.UNSHIFT, Kind.PUBLISH, Kind.DRAIN_OLD, Kind.DRAIN_NEW}
)
"""Steps that are done by many acts."""
DEADLINE: Final = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds.

    Attributes:
        tries: acts of a step on the way forward, before it has failed.
        back_tries: failures of a step on the way back, before the release is stuck.
        deadlines: seconds by kind, instead of the usual ones.
    """

    tries: int = 3
    back_tries: int = 8
    deadlines: Mapping[Kind, float] = field(default_factory=dict)

    def deadline(self, kind: Kind) -> float:
        """Return the seconds that a step may take."""
        return self.deadlines.get(kind, DEADLINES.get(kind, DEADLINE))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a release is.

    Attributes:
        release: which.
        way: where it goes.
        done: steps of this way that are done.
        step: the one that is under way.
        tries: how often it was acted on.
        since: when it was begun, seconds since the epoch.
        failures: of steps on the way back.
        reason: why it went back.
        events: what happened.
    """

    release: Release
    way: Way = Way.FORWARD
    done: tuple[Step, ...] = ()
    step: Step | None = None
    tries: int = 0
    since: float = 0.0
    failures: tuple[tuple[Step, int], ...] = ()
    reason: str = ""
    events: tuple[Event, ...] = field(default=())


def forward(release: Release) -> tuple[Step, ...]:
    """Return the steps of the way forward, in order."""
    if release.replaces is None:  # workers need a controller, and there is none yet
        kinds = [Kind.MIGRATE, Kind.START_CONTROLLER, Kind.SWAP_PROXY, Kind.START_WORKERS,
                 Kind.PUBLISH, Kind.CANARY_WORKERS]  # fmt: skip
        return tuple(Step(kind) for kind in kinds)
    before = [Kind.START_WORKERS, Kind.CANARY_WORKERS]
    after = [Kind.DRAIN_OLD, Kind.MIGRATE, Kind.START_CONTROLLER, Kind.CANARY_CONTROLLER,
             Kind.SWAP_PROXY, Kind.PUBLISH, Kind.STOP_OLD_CONTROLLER,
             Kind.STOP_OLD_WORKERS]  # fmt: skip
    if release.returns:
        after.remove(Kind.MIGRATE)
        after.append(Kind.LOWER)
    shifts = [Step(Kind.SHIFT, share) for share in release.shares]
    return (*map(Step, before), *shifts, *map(Step, after))


def back(release: Release) -> dict[Step, frozenset[Step]]:
    """Return the steps of the way back, in order of preference, and what each needs done."""
    if release.replaces is None:
        needs: dict[Kind, set[Kind]] = {
            Kind.STOP_NEW_WORKERS: set(),
            Kind.STOP_NEW_CONTROLLER: set(),
            Kind.REVERT: {Kind.STOP_NEW_CONTROLLER},
        }
    else:
        needs = {
            Kind.BACK_WORKERS: set(),
            Kind.BACK_CONTROLLER: set(),
            Kind.BACK_PROXY: {Kind.BACK_CONTROLLER},
            Kind.UNSHIFT: {Kind.BACK_WORKERS, Kind.BACK_CONTROLLER},
            # Runs that are theirs still need them: they end on the version that they began with.
            Kind.DRAIN_NEW: {Kind.UNSHIFT},
            # Whoever the proxy points at is not stopped.
            Kind.STOP_NEW_CONTROLLER: {Kind.BACK_PROXY},
            Kind.REVERT: {Kind.STOP_NEW_CONTROLLER},
            Kind.STOP_NEW_WORKERS: {Kind.DRAIN_NEW},
        }
        if release.returns:  # the schema may be lower than the old controller needs
            needs[Kind.REVERT] = set()
            needs[Kind.BACK_CONTROLLER] = {Kind.REVERT}
    return {Step(kind): frozenset(map(Step, wanted)) for kind, wanted in needs.items()}


def begin(release: Release, now: float) -> Progress:
    """Return a release's beginning."""
    goes = f"{release.version.short} on {release.colour}"
    over = f" replaces {release.replaces.version.short}" if release.replaces else ""
    made = Progress(release, events=(Event(now, goes + over, kind="begin"),))
    return _take(made, now)


def resume(progress: Progress, now: float, idle: float = 0.0) -> Progress:
    """Return a release as another driver goes on with it; a stuck one tries again.

    Args:
        progress: so far.
        now: seconds since the epoch.
        idle: seconds in which there was no driver: they are not the step's, which would be late at
            once. A driver that comes and goes does not make a step's time endless.
    """
    if progress.way is not Way.STUCK:
        return replace(progress, since=min(now, progress.since + idle))
    fresh = replace(progress, way=Way.BACK, failures=())
    return _take(_told(fresh, now, "tried again", "back"), now)


def next(
    progress: Progress, seen: Seen | None, now: float, limits: Limits | None = None
) -> tuple[Progress, Action]:
    """Return what a release comes to by an observation, and what to do.

    Args:
        progress: so far.
        seen: what the last look found; None at the driver's start. One of another step than the
            current is of no meaning, and the current one is looked at.
        now: seconds since the epoch.
        limits: bounds.
    """
    limits = limits or Limits()
    step = progress.step
    if progress.way not in {Way.FORWARD, Way.BACK} or step is None:
        return progress, Action(Do.STOP)
    if seen is None or seen.step != step:
        return progress, Action(Do.LOOK, step)
    late = now - progress.since > limits.deadline(step.kind)
    if seen.look is Look.DONE:
        made = replace(progress, done=(*progress.done, step))
        made = _take(_told(made, now, seen.told or "done", "done", step), now)
        stop = made.step is None
        return made, Action(Do.STOP) if stop else Action(Do.LOOK, made.step)
    if seen.look is Look.FAILED:
        return _failed(progress, seen.told, now, limits)
    if late:
        told = f"not done after {now - progress.since:.0f} s"
        return _failed(progress, f"{told}: {seen.told}" if seen.told else told, now, limits)
    if seen.look is Look.ABSENT:
        often = 10 if step.kind in PIECEMEAL else 1
        if progress.tries >= often * limits.tries:
            told = seen.told or "it does not come up"
            return _failed(progress, f"tried {progress.tries} times: {told}", now, limits)
        made = replace(progress, tries=progress.tries + 1)
        return _told(made, now, f"try {made.tries}", "act", step), Action(Do.ACT, step)
    return progress, Action(Do.PAUSE, step)


def turn_back(progress: Progress, why: str, now: float) -> Progress:
    """Return a release that goes back, whatever it was doing; one that has ended stays so."""
    if progress.way is not Way.FORWARD:
        return progress
    told = _told(progress, now, why, "fail", progress.step)
    turned = replace(told, way=Way.BACK, done=(), failures=(), reason=why)
    return _take(_told(turned, now, "everything goes back", "back"), now)


def remaining(progress: Progress) -> list[str]:
    """Return the steps of the current way that are not done."""
    steps = forward(progress.release) if progress.way is Way.FORWARD else back(progress.release)
    return [] if progress.way in ENDED else [str(s) for s in steps if s not in progress.done]


def _failed(progress: Progress, why: str, now: float, limits: Limits) -> tuple[Progress, Action]:
    step = progress.step
    assert step is not None
    if progress.way is Way.FORWARD:
        made = turn_back(progress, f"{step}: {why}", now)
        return made, Action(Do.LOOK, made.step)
    counted = dict(progress.failures)
    counted[step] = counted.get(step, 0) + 1
    made = _told(replace(progress, failures=tuple(counted.items())), now, why, "fail", step)
    if counted[step] >= limits.back_tries:
        # The others first: what can go back has gone back before anybody is called.
        others = [s for s in _ready(made) if counted.get(s, 0) < limits.back_tries]
        if not others:
            end = replace(made, way=Way.STUCK, step=None)
            return _told(end, now, f"stuck: {', '.join(remaining(end))}", "end"), Action(Do.STOP)
    made = _take(made, now)
    # Whoever has failed before is not asked again at once.
    again = made.step is not None and counted.get(made.step, 0) > 0
    return made, Action(Do.PAUSE if again else Do.LOOK, made.step)


def _ready(progress: Progress) -> list[Step]:
    done = set(progress.done)
    return [step for step, needs in back(progress.release).items()
            if step not in done and needs <= done]  # fmt: skip


def _take(progress: Progress, now: float) -> Progress:
    """Begin the next step, or end."""
    if progress.way is Way.FORWARD:
        rest = [step for step in forward(progress.release) if step not in progress.done]
        step = rest[0] if rest else None
    else:
        failed = dict(progress.failures)
        step = min(_ready(progress), key=lambda one: failed.get(one, 0), default=None)
    if step is not None:
        return replace(progress, step=step, tries=0, since=now)
    way = Way.RELEASED if progress.way is Way.FORWARD else Way.TURNED_BACK
    return _told(replace(progress, way=way, step=None), now, str(way), "end")


def _told(
    progress: Progress, now: float, what: str, kind: str, step: Step | None = None
) -> Progress:
    event = Event(now, what, str(step) if step else "", kind)
    return replace(progress, events=(*progress.events, event))
