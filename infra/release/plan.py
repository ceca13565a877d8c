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

from dataclasses import dataclass, replace
from enum import StrEnum

from infra.release.limits import PIECEMEAL, Limits
from infra.release.model import Event, Release
from infra.release.progress import ENDED, Progress, Way
from infra.release.seen import Look, Seen
from infra.release.steps import Step, back, forward


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
