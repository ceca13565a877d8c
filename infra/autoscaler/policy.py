"""How many machines a fleet should have: the decision, and nothing but the decision.

Reactive scalers wait for a queue to form and then for machines to boot, so that every burst waits
for a boot; and they hold a peak for minutes because they cannot know that it is over. The
scheduler knows most of what comes. So every decision asks the projection two questions over the
time that a machine needs to boot: *which runs would be late with the machines at hand?*, which
launches the fewest that prevent it, and no earlier than the last moment that does; and *which
machines could go without a run being late?*, which cordons them.

Promises, each of them a test: nothing is decided on metrics older than `Config.stale`; no machine
that has a run is ever terminated, only machines that were cordoned and have become empty; no
scale-in while a launch is pending that is not overdue; bounds hold; a second call for the same
moment changes nothing; more waiting runs never mean fewer machines. Machines are cordoned soonest
empty first, then oldest first. A cordoned machine is taken back, at once and free of boot, before
any other is launched: that is why cordoning may be quick where terminating may not.

Pure: no clock, no network, no environment. Deterministic: ties are broken by instance id.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from infra.autoscaler.config import Config
from infra.autoscaler.forecast import Forecast, History
from infra.autoscaler.observation import Observation, Run
from infra.autoscaler.projection import fewest, in_time
from infra.autoscaler.situation import Situation

NEVER: Final = float("-inf")


@dataclass(frozen=True, slots=True)
class State:
    """What a fleet remembers from one decision to the next.

    Attributes:
        at: when it was last decided.
        history: unannounced arrivals.
        surplus_since: since when there has been a surplus without interruption.
        launched_at: when machines were last launched or taken back.
    """

    at: float = NEVER
    history: History = field(default_factory=History)
    surplus_since: float | None = None
    launched_at: float = NEVER


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, and why. Every list is in the order in which it is to be done.

    Attributes:
        desired: the group's capacity, or None to leave it.
        uncordon: machines to take back.
        cordon: machines to give no new run.
        terminate: cordoned, empty machines to end, the capacity falling with them.
        replace: lost machines to end, the group launching others instead.
        reason: one line for people.
        metrics: the same in numbers.
        state: what to remember.
    """

    desired: int | None
    uncordon: tuple[str, ...]
    cordon: tuple[str, ...]
    terminate: tuple[str, ...]
    replace: tuple[str, ...]
    reason: str
    metrics: Mapping[str, float]
    state: State

    @property
    def acts(self) -> bool:
        """Whether anything is to be done at all."""
        lists = (self.uncordon, self.cordon, self.terminate, self.replace)
        return self.desired is not None or any(lists)


def foresee(
    observation: Observation, announced: tuple[Run, ...], state: State, config: Config
) -> tuple[Forecast, State]:
    """Count what has arrived and forecast what will; stale metrics count for nothing.

    Args:
        observation: the fleet.
        announced: runs that the scheduler has set for the coming minutes.
        state: the last decision's.
        config: the fleet's.
    """
    history = state.history
    if observation.now - observation.measured_at <= config.stale:
        history = history.add(observation.arrived, observation.now)
    # What became due since the figures were true stands in none of them yet.
    coming = tuple(run for run in announced if run.since > observation.measured_at)
    forecast = Forecast(coming, history.forecast(config.boot + config.tick))
    return forecast, replace(state, history=history)


def decide(observation: Observation, forecast: Forecast, state: State, config: Config) -> Decision:
    """Decide about one fleet.

    Args:
        observation: the fleet now.
        forecast: what is coming, see `foresee`.
        state: what the last decision left.
        config: the fleet's.
    """
    fleet = Situation(observation, forecast, config)
    age = observation.now - observation.measured_at
    if age > config.stale:
        return _hold(
            fleet, state, f"metrics are {age:.0f} s old, at most {config.stale:.0f} s count"
        )
    if observation.now <= state.at:
        return _hold(fleet, state, "already decided for this moment")
    state = replace(state, at=observation.now)
    grown = _grow(fleet, state)
    return grown or _shrink(fleet, state)


def _hold(fleet: Situation, state: State, reason: str) -> Decision:
    """Do nothing, for a reason."""
    return _decision(fleet, state, f"hold: {reason}")


def _decision(
    fleet: Situation,
    state: State,
    reason: str,
    *,
    desired: int | None = None,
    uncordon: tuple[str, ...] = (),
    cordon: tuple[str, ...] = (),
    terminate: tuple[str, ...] = (),
    lost: tuple[str, ...] = (),
) -> Decision:
    """Put a decision together with its explanation."""
    figures = fleet.metrics | {"desired": float(fleet.counted if desired is None else desired)}
    line = (
        f"{fleet.config.name}: {reason} [{len(fleet.ready)} ready, {len(fleet.pending)} pending, "
        f"{len(fleet.cordoned)} cordoned; {figures['waiting']:.0f} waiting, "
        f"{figures['running']:.0f} running, {figures['announced']:.0f} announced]"
    )
    return Decision(desired, uncordon, cordon, terminate, lost, line, figures, state)


def _grow(fleet: Situation, state: State) -> Decision | None:
    """Take back and launch what is missing; None where nothing is."""
    config, grid = fleet.config, fleet.grid
    load, slots, have = fleet.load, fleet.slots, len(fleet.ready) + len(fleet.pending)
    back: list[str] = []
    for worker in sorted(fleet.cordoned, key=lambda w: (-w.busy, -w.since, w.id)):
        if have >= config.maximum:
            break
        if have >= config.minimum and in_time(load, slots, 0, grid.last):
            break
        load = fleet.having(load, worker, 1)
        slots = [offered + config.slots for offered in slots]
        back.append(worker.id)
        have += 1
    one = [float(config.slots) if k >= grid.ready else 0.0 for k in range(grid.points)]
    room = min(config.maximum - fleet.counted, config.launch_at_most)
    missing = fewest(load, slots, one, room, range(grid.first, grid.last + 1))
    missing = min(room, missing + round(config.spare * missing))
    missing = max(missing, min(room, config.minimum - have))
    if not back and missing <= 0:
        return None
    state = replace(state, surplus_since=None, launched_at=fleet.now)
    what = [f"take back {len(back)}"] if back else []
    if missing > 0:
        what.append(f"launch {missing}")
    return _decision(
        fleet,
        state,
        f"grow: {' and '.join(what)}, or runs would wait longer than {config.target_wait:.0f} s",
        desired=fleet.counted + missing if missing > 0 else None,
        uncordon=tuple(back),
        lost=fleet.lost,
    )


def _shrink(fleet: Situation, state: State) -> Decision:
    """Terminate what is empty and cordon what is not needed, carefully."""
    config = fleet.config
    if fleet.booting:
        state = replace(state, surplus_since=None)
        reason = f"hold: {len(fleet.booting)} launches are pending"
        return _decision(fleet, state, reason, lost=fleet.lost)
    spendable = max(0, fleet.counted - config.minimum)
    empty = sorted((w for w in fleet.cordoned if w.busy == 0), key=lambda w: (w.since, w.id))
    ended = tuple(worker.id for worker in empty[:spendable])
    surplus = _surplus(fleet)
    since = None
    cordon: tuple[str, ...] = ()
    reason = "hold: the fleet fits"
    if surplus:
        since = fleet.now if state.surplus_since is None else state.surplus_since
        waited = fleet.now - since
        if waited < config.patience:
            reason = f"hold: {len(surplus)} too many, for {waited:.0f} of {config.patience:.0f} s"
        elif fleet.now - state.launched_at < config.cool_down:
            reason = f"hold: {len(surplus)} too many, cooling down after a launch"
        else:
            cordon = tuple(surplus)
            reason = f"shrink: cordon {len(cordon)}, no run would wait for them"
    if ended:
        reason = f"shrink: end {len(ended)} empty; {reason}"
    state = replace(state, surplus_since=since)
    return _decision(fleet, state, reason, cordon=cordon, terminate=ended, lost=fleet.lost)


def _surplus(fleet: Situation) -> list[str]:
    """Return the machines that could go: those empty soonest first, then oldest first."""
    config, grid = fleet.config, fleet.grid
    # Overdue launches may never come: what they would offer lets no machine go.
    load, slots = fleet.load, fleet.slots_ready
    most = min(
        len(fleet.ready) - config.minimum,
        max(1, math.floor(config.drain_share * len(fleet.ready))),
    )
    excess = len(fleet.ready) - config.maximum
    found: list[str] = []
    for worker in sorted(fleet.ready, key=lambda w: (fleet.until_empty(w), w.since, w.id)):
        if len(found) >= max(most, excess):
            break
        load = fleet.having(load, worker, -1)
        slots = [offered - config.slots for offered in slots]
        if len(found) >= excess and not in_time(load, slots, 0, grid.last + 1):
            break
        found.append(worker.id)
    return found
