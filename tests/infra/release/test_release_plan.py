"""Whatever fails, wherever a driver is killed: a release ends released, or where it was."""

from __future__ import annotations

import errno
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.release import history, plan
from infra.release.driver import Pace, active, ask_back, drive, under_way
from infra.release.limits import Limits
from infra.release.model import ACTIVE as ACTIVE_DOCUMENT
from infra.release.model import RECORD, Active, Colour, Record
from infra.release.plan import Do
from infra.release.progress import ENDED, Way
from infra.release.seen import Look, Seen
from infra.release.steps import Kind, Step, forward
from infra.release.steps import back as going_back
from infra.release.store import (
    CURRENT,
    ConflictError,
    Document,
    FileStore,
    HeldError,
    ReleaseProblemError,
    Session,
)
from tests.infra.release.world import ACTIVE, NEW, OLD, Killed, World, release


class Memory:
    """A store in memory."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {
            CURRENT: Document(
                {
                    "active": {
                        "version": {
                            "digest": OLD.digest,
                            "commit": OLD.commit,
                            "where": OLD.where,
                            "schema": OLD.schema,
                        },
                        "colour": "blue",
                        "release": "first",
                    }
                },
                1,
            )
        }

    def read(self, key: str) -> Document:
        return self.documents.get(key, Document({}, 0))

    def write(self, key: str, value: dict[str, Any], revision: int) -> int:
        if self.read(key).revision != revision:
            raise ConflictError(key)
        self.documents[key] = Document(value, revision + 1)
        return revision + 1

    def alone(self) -> Any:
        import contextlib

        return contextlib.nullcontext(True)


class Clock:
    """Time that passes by sleeping, and a little by being looked at."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def pace(clock: Clock) -> Pace:
    return Pace(clock=clock, sleep=clock.sleep, pause=30.0, limits=Limits())


def through(store: Memory, world: World, made: Any, clock: Clock) -> Any:
    """Drive to the end, starting a driver again each time that one is killed or gives up."""
    for _ in range(200):
        try:
            progress = drive(store, world, made if not under_way(store) else None, pace(clock))
        except Killed:
            continue
        if progress.way in ENDED:
            return progress
    raise AssertionError("it does not end")


def judge(world: World, progress: Any, before: tuple[object, ...]) -> None:
    if progress.way is Way.RELEASED:
        assert world.workers == {Colour.GREEN: NEW}
        assert world.controllers == {Colour.GREEN: NEW}
        assert (world.proxy, world.schema, world.published) == (Colour.GREEN, "0002", NEW)
    else:
        assert world.state() == before
        assert progress.reason


def test_a_release_goes_through_in_order() -> None:
    world, store = World(), Memory()
    progress = through(store, world, release(), Clock())
    assert progress.way is Way.RELEASED
    assert [str(step) for step in world.acts] == [
        "start workers", "canary on the new workers", "shift 10 %", "shift 50 %", "shift 100 %",
        "migrate", "start controller", "canary by the new controller", "swap proxy",
        "publish deployments", "stop old controller", "stop old workers",
    ]  # fmt: skip
    assert under_way(store) is None
    found = active(store)
    assert found is not None and (found.version, found.colour) == (NEW, Colour.GREEN)
    (record,) = history.records(store)
    assert record.release.replaces == ACTIVE and record.outcome == "released"


@pytest.mark.parametrize("step", forward(release()), ids=str)
def test_a_step_that_fails_brings_both_back(step: Step) -> None:
    world = World(lambda _what, at: "fail" if at == step else None)
    before = World().state()
    store = Memory()
    progress = through(store, world, release(), Clock())
    assert progress.way is Way.TURNED_BACK
    assert progress.reason.startswith(str(step))
    judge(world, progress, before)
    assert active(store) == ACTIVE


@pytest.mark.parametrize("when", ["killed before", "killed after"])
@pytest.mark.parametrize("step", forward(release()), ids=str)
def test_a_driver_killed_at_a_step_is_gone_on_with(step: Step, when: str) -> None:
    if step.kind is Kind.DRAIN_OLD:
        pytest.skip("a drain is looked at only")
    fired: list[Step] = []

    def trouble(what: str, at: Step) -> str | None:
        if what == "act" and at == step and not fired:
            fired.append(at)
            return when
        return None

    world = World(trouble)
    progress = through(Memory(), world, release(), Clock())
    assert fired and progress.way is Way.RELEASED
    # What had been done was seen, not done again.
    assert world.acts.count(step) == (2 if when == "killed before" else 1)


STEPS = [*forward(release()), *going_back(release())]
TROUBLE = st.sampled_from(["fail", "unanswered", "killed before", "killed after", "absent"])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from(["act", "look"]), TROUBLE), max_size=12
    )
)
def test_any_failures_end_released_or_where_it_was(
    troubles: list[tuple[Step, str, str]],
) -> None:
    left = list(troubles)

    def trouble(what: str, at: Step) -> str | None:
        for item in left:
            if item[:2] == (at, what):
                left.remove(item)
                return item[2]
        return None

    world = World(trouble)
    before = World().state()
    store = Memory()
    progress = through(store, world, release(), Clock())
    judge(world, progress, before)
    assert store.read(CURRENT).value["lease"] is None
    assert len(list(history.records(store))) == 1


def test_a_proxy_that_refuses_everything_holds_up_only_what_needs_it() -> None:
    refuse = [True]

    def trouble(what: str, at: Step) -> str | None:
        if at.kind is Kind.CANARY_CONTROLLER and what == "act":
            world.proxy = Colour.GREEN  # as if somebody had
            return "fail"
        return "fail" if at.kind is Kind.BACK_PROXY and refuse[0] else None

    world, store = World(trouble), Memory()
    world_before = World().state()
    progress = drive(store, world, release(), pace(Clock()))
    assert progress.way is Way.STUCK
    assert world.share == 0 and Colour.GREEN not in world.workers
    # Whom it points at was left alone.
    assert Colour.GREEN in world.controllers
    assert plan.remaining(progress) == [
        "back: proxy", "back: stop new controller", "back: schema",
    ]  # fmt: skip
    refuse.clear()
    refuse.append(False)
    progress = drive(store, world, None, pace(Clock()))
    assert progress.way is Way.TURNED_BACK
    assert world.state() == world_before


def test_a_release_that_is_asked_goes_back() -> None:
    store, clock = Memory(), Clock()

    def trouble(what: str, at: Step) -> str | None:
        if at == Step(Kind.SHIFT, 50) and what == "act":
            ask_back(store, "r2", "the person on call")
        return None

    world = World(trouble)
    progress = through(store, world, release(), clock)
    assert progress.way is Way.TURNED_BACK
    assert "the person on call" in progress.reason


def test_what_does_not_come_up_is_tried_then_given_up() -> None:
    world = World(lambda what, at: "absent" if at.kind is Kind.START_WORKERS else None)
    progress = through(Memory(), world, release(), Clock())
    assert progress.way is Way.TURNED_BACK
    assert world.acts.count(Step(Kind.START_WORKERS)) == Limits().tries


def test_what_never_answers_is_late_in_the_end() -> None:
    clock = Clock()
    begun = clock.now
    world = World(lambda what, at: "unanswered" if at.kind is Kind.MIGRATE else None)
    progress = through(Memory(), world, release(), clock)
    assert progress.reason.startswith("migrate: not done after")
    assert clock.now - begun > Limits().deadline(Kind.MIGRATE)


def test_the_time_without_a_driver_is_not_the_steps() -> None:
    store, clock = Memory(), Clock()
    kill = [True]

    def trouble(what: str, at: Step) -> str | None:
        if at.kind is Kind.MIGRATE and what == "act" and kill:
            kill.clear()
            return "killed before"
        return None

    world = World(trouble)
    with pytest.raises(Killed):
        drive(store, world, release(), pace(clock))
    clock.sleep(2 * Limits().deadline(Kind.MIGRATE))  # found dead in the morning
    assert drive(store, world, None, pace(clock)).way is Way.RELEASED


def test_a_driver_that_comes_and_goes_does_not_stretch_a_step() -> None:
    """As in an account: each call of a hook drives for some minutes."""
    world = World(lambda what, at: "unanswered" if at.kind is Kind.MIGRATE else None)
    store, clock = Memory(), Clock()
    call = Pace(clock=clock, sleep=clock.sleep, pause=30.0, patience=300.0)
    progress = drive(store, world, release(), call)
    for _ in range(20):
        if progress.way is not Way.FORWARD:
            break
        clock.sleep(60)  # until the next one
        progress = drive(store, world, None, call)
    assert progress.reason.startswith("migrate: not done after")


def test_a_clock_that_was_set_back_does_not_end_the_renewals() -> None:
    """Renewals are what shows a driver that it lost the lease; a drain may last for hours."""
    store, clock = Memory(), Clock()
    until: list[float] = []

    def trouble(what: str, at: Step) -> str | None:
        if at.kind is Kind.DRAIN_OLD and what == "look":
            until.append(store.read(CURRENT).value["lease"]["until"])
            if len(until) == 1:
                clock.now -= 100_000
        return None

    world = World(trouble)
    world.busy[Colour.BLUE] = 4
    assert through(store, world, release(), clock).way is Way.RELEASED
    assert until[1] < until[0], "it was renewed by the clock as it is now"


def test_a_stale_observation_is_of_no_meaning() -> None:
    progress = plan.begin(release(), 0.0)
    seen = Seen(Step(Kind.SWAP_PROXY), Look.DONE)
    made, action = plan.next(progress, seen, 1.0)
    assert made == progress
    assert (action.do, action.step) == (Do.LOOK, Step(Kind.START_WORKERS))


def test_a_release_meets_no_other(tmp_path: Path) -> None:
    store, clock = Memory(), Clock()
    world = World(lambda what, at: "killed before" if at.kind is Kind.MIGRATE else None)
    with pytest.raises(Killed):
        drive(store, world, release(), pace(clock))
    with pytest.raises(ReleaseProblemError, match="release resume"):
        drive(store, world, release(), pace(clock))


def test_two_drivers_never_act_at_once(tmp_path: Path) -> None:
    """The first is held up in an act; the second is refused while the lease holds."""
    store = Memory()
    store.alone = lambda: __import__("contextlib").nullcontext(False)  # type: ignore[method-assign]
    inside, on = threading.Event(), threading.Event()

    def trouble(what: str, at: Step) -> str | None:
        if what == "act" and at.kind is Kind.MIGRATE and not inside.is_set():
            inside.set()
            assert on.wait(60)
        return None

    world, clock = World(trouble), Clock()
    ended: list[object] = []

    def first() -> None:
        try:
            ended.append(drive(store, world, release(), pace(clock), "first"))
        except ConflictError as error:
            ended.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(60)
    with pytest.raises(HeldError):
        drive(store, world, None, pace(clock), "second")
    # Its lease runs out while it is held up: another goes on, and it may do nothing more.
    clock.sleep(10_000)
    assert drive(store, world, None, pace(clock), "second").way is Way.RELEASED
    acts = list(world.acts)
    on.set()
    thread.join(60)
    assert isinstance(ended[0], ConflictError)
    assert world.acts == acts


def test_files_are_written_on_condition(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    assert store.write("a", {"x": 1}, 0) == 1
    with pytest.raises(ConflictError):
        store.write("a", {"x": 2}, 0)
    assert store.read("a") == Document({"x": 1}, 1)
    with store.alone(), pytest.raises(HeldError), store.alone():
        pass
    with store.alone() as certain:
        assert certain


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path)
    store.write(CURRENT, {"x": 1}, 0)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("infra.release.store.os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            store.write(CURRENT, {"x": 2}, 1)
    assert store.read(CURRENT) == Document({"x": 1}, 1)
    assert not list(tmp_path.glob("*.new"))
    assert store.write(CURRENT, {"x": 2}, 1) == 2


@pytest.mark.parametrize("text", ["", '{"revision": 3, "val', "[]", '{"revision": 3}'])
def test_a_damaged_document_is_named(tmp_path: Path, text: str) -> None:
    store = FileStore(tmp_path)
    (tmp_path / "current.json").write_text(text)
    with pytest.raises(ReleaseProblemError, match=r"current\.json"):
        drive(store, World(), release())
    assert (tmp_path / "current.json").read_text() == text


def test_a_half_written_document_is_none(tmp_path: Path) -> None:
    """A writer that was killed leaves a file beside, which nobody reads."""
    store = FileStore(tmp_path)
    store.write("a", {"x": 1}, 0)
    (tmp_path / "a.new").write_text('{"revision": 2, "val')
    assert store.read("a") == Document({"x": 1}, 1)
    assert store.write("a", {"x": 2}, 1) == 2
    assert store.read("a").value == {"x": 2}


def test_of_many_that_write_one_wins(tmp_path: Path) -> None:
    store, won = FileStore(tmp_path), []

    def write(number: int) -> None:
        try:
            won.append((number, store.write("a", {"by": number}, 0)))
        except ConflictError:
            return

    threads = [threading.Thread(target=write, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert store.read("a").value == {"by": won[0][0]}


def test_a_lease_left_by_the_dead_is_void_where_that_is_known() -> None:
    store = Memory()
    Session(store, "dead", 180, 0.0, void=False)
    with pytest.raises(HeldError, match=r"in 179 s$"):
        Session(store, "other", 180, 1.0, void=False)
    with pytest.raises(HeldError, match="clocks"):
        Session(store, "other", 180, -86_400.0, void=False)
    other = Session(store, "other", 180, 100.0, void=True)
    assert other.idle == 100.0  # since the dead one's last record
    other.leave(150.0)
    assert Session(store, "third", 180, 170.0, void=False).idle == 20.0


def test_going_back_to_the_version_before() -> None:
    store, clock = Memory(), Clock()
    through(store, World(), release(), clock)
    back = history.before(store, clock(), "me", "because")
    assert back.version == OLD and back.replaces is not None and back.replaces.version == NEW
    steps = [str(step) for step in forward(back)]
    assert "migrate" not in steps and steps[-1] == "lower schema"
    assert steps.index("stop old controller") < steps.index("lower schema")
    # And forward again: its controller needs its schema before it comes up.
    returned = Active(OLD, Colour.BLUE, back.id)
    store.write(f"releases/{back.id}", RECORD.dump_python(
        Record(back, "released", "", 0.0, 1.0, release().id), mode="json"), 0)  # fmt: skip
    found = store.read(CURRENT)
    changed = {"active": ACTIVE_DOCUMENT.dump_python(returned, mode="json"), "last": back.id}
    store.write(CURRENT, {**found.value, **changed}, found.revision)
    again = history.before(store, clock(), "me", "because")
    assert again.version == NEW and not again.returns
    steps = [str(step) for step in forward(again)]
    assert steps.index("migrate") < steps.index("start controller")
    assert "lower schema" not in steps
