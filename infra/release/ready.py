"""Whether a version may be released at all: asked before anything starts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from infra.release import declared, guard, migrations
from infra.release.driver import active, under_way
from infra.release.model import Release, Version, release_of
from infra.release.store import ReleaseProblemError, Store


def prepare(
    store: Store,
    version: Version,
    code: Path,
    now: float,
    *,
    before: Path | None,
    by: str,
    why: str,
    shares: tuple[int, ...] = (10, 50, 100),
) -> Release:
    """Return the release of a version, if nothing speaks against it.

    Args:
        store: what is remembered.
        version: that is to come.
        code: folder of the platform's own packages, for the version's interpreter.
        now: seconds since the epoch.
        before: folder of the version that it replaces, if that is there.
        by: who asks for it.
        why: in a few words.
        shares: percentages of deployments that go over at a time.

    Raises:
        ReleaseProblemError: what speaks against it: a freeze, the window, another release, the same
            version, a migration that could not be taken back, a deployment that cannot run.
    """
    guard.check(store, datetime.fromtimestamp(now, UTC))
    if (open_one := under_way(store)) is not None:
        raise ReleaseProblemError(
            f"release {open_one.release.id} is under way\nGo on with it: release resume"
        )
    present = active(store)
    if present is not None and present.version.digest == version.digest:
        raise ReleaseProblemError(f"version {version.short} is what works already")
    folder = Path(version.where)
    told = migrations.problems(folder, before)
    if told:
        raise ReleaseProblemError("migrations are refused:\n" + "\n".join(told))
    old: Sequence[declared.Declared] = ()
    if present is not None:
        old = declared.kept(store, present.version.digest)
    found = declared.ask(folder, old, declared.environment(folder, code))
    declared.keep(store, version.digest, found)
    return release_of(version, present, now, shares=shares, by=by, why=why)
