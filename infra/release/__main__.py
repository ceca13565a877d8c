"""The command line of releases.

    python -m infra.release start FOLDER [--commit C] [--why W]
    python -m infra.release resume | rollback | status | list
    python -m infra.release freeze WHY | thaw | window --days 0-3 --from 08:00 --to 16:00

Where: ``--site FOLDER`` on one machine (or DATAWEAVE_RELEASE_SITE), ``--aws FILE`` in an account.
"""

from __future__ import annotations

import getpass
import json
import logging
import os
import time
from dataclasses import dataclass
from datetime import time as clock_time
from pathlib import Path
from typing import Annotated

import typer

from infra.controller.layout import ROOT
from infra.release import guard, history, plan
from infra.release.driver import Doing, active, ask_back, drive, under_way
from infra.release.local.hands import local_hands
from infra.release.local.site import Site, version_of
from infra.release.model import RECORD, Release
from infra.release.progress import Progress, Way
from infra.release.ready import prepare
from infra.release.store import ConflictError, HeldError, ReleaseProblemError, Store

app = typer.Typer(help="Blue-green releases of workers and controller.", no_args_is_help=True)


@dataclass
class Where:
    """Where releases happen."""

    store: Store
    doing: Doing


@app.callback()
def where(
    context: typer.Context,
    site: Annotated[Path | None, typer.Option(envvar="DATAWEAVE_RELEASE_SITE")] = None,
    aws: Annotated[Path | None, typer.Option(help="the environment's names, as JSON")] = None,
) -> None:
    """Find where releases happen."""
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO)
    for noisy in ("httpx", "httpcore", "botocore", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if aws is not None:
        from infra.release.aws.hands import Account, account_hands, account_store

        account = Account.read(aws)
        context.obj = Where(account_store(account), account_hands(account))
    elif site is not None:
        found = Site.of(site)
        context.obj = Where(found.store, local_hands(found))
    else:
        raise ReleaseProblemError("where? Say --site FOLDER or --aws FILE")


@app.command()
def start(
    context: typer.Context,
    folder: Path,
    commit: str = "",
    why: str = "",
    by: str = "",
    shares: Annotated[str, typer.Option(help="percentages of deployments, by steps")] = "10,50,100",
    image: Annotated[str, typer.Option(help="image by digest, where versions are images")] = "",
) -> None:
    """Release the version in FOLDER: workers first, then the controller; or go back."""
    here: Where = context.obj
    version = version_of(folder, commit, image)
    present = active(here.store)
    before = Path(present.version.where) if present else None
    steps = tuple(int(share) for share in shares.split(","))
    release = prepare(here.store, version, ROOT, time.time(), before=before,
                      by=by or _me(), why=why, shares=steps)  # fmt: skip
    _drive(here, release)


@app.command()
def resume(context: typer.Context) -> None:
    """Go on with the release that is under way."""
    _drive(context.obj, None)


@app.command()
def rollback(context: typer.Context, why: str = "", by: str = "") -> None:
    """Have the release that is under way go back; or bring back the version before."""
    here: Where = context.obj
    who = by or _me()
    if (open_one := under_way(here.store)) is not None:
        ask_back(here.store, open_one.release.id, who)
        try:
            _drive(here, None, wanted=Way.TURNED_BACK)
        except HeldError:
            typer.echo("its driver was asked to go back")
        return
    _drive(here, history.before(here.store, time.time(), who, why))


@app.command()
def status(context: typer.Context) -> None:
    """Say what works, and how far a release is."""
    here: Where = context.obj
    present, open_one = active(here.store), under_way(here.store)
    if present is None:
        typer.echo("nothing was released yet")
    else:
        version = present.version
        typer.echo(f"{version.short} on {present.colour}, commit {version.commit or '-'}, "
                   f"release {present.release}")  # fmt: skip
    if open_one is not None:
        typer.echo(f"release {open_one.release.id}: {open_one.way}, at {open_one.step or '-'}"
                   f"{f' ({open_one.reason})' if open_one.reason else ''}")  # fmt: skip
        typer.echo(f"remaining: {', '.join(plan.remaining(open_one))}")
    if frozen := here.store.read(guard.FREEZE).value:
        typer.echo(f"frozen by {frozen['by']}: {frozen['why']}")


@app.command("list")
def listed(
    context: typer.Context,
    limit: int = 20,
    as_json: Annotated[bool, typer.Option("--json", help="with every step")] = False,
) -> None:
    """List what was released, when, from which commit, and what it replaced; the last one first."""
    here: Where = context.obj
    for number, record in enumerate(history.records(here.store)):
        if number == limit:
            return
        shown = json.dumps(RECORD.dump_python(record, mode="json")) if as_json else None
        typer.echo(shown or history.line(record))


@app.command()
def freeze(context: typer.Context, why: str, by: str = "") -> None:
    """Let nothing be released; going back stays possible."""
    guard.freeze(context.obj.store, why, by or _me())


@app.command()
def thaw(context: typer.Context) -> None:
    """End a freeze."""
    guard.thaw(context.obj.store)


@app.command()
def window(
    context: typer.Context,
    days: Annotated[str, typer.Option(help="0 is Monday: 0-3 or 0,2,4; none for always")] = "0-3",
    begins: Annotated[str, typer.Option("--from")] = "08:00",
    ends: Annotated[str, typer.Option("--to")] = "16:00",
    zone: str = "UTC",
) -> None:
    """Let releases begin only then."""
    if days == "none":
        guard.set_window(context.obj.store, None)
        return
    first, dash, last = days.partition("-")
    chosen = range(int(first), int(last) + 1) if dash else (int(day) for day in days.split(","))
    begin, end = clock_time.fromisoformat(begins), clock_time.fromisoformat(ends)
    guard.set_window(context.obj.store, guard.Window(tuple(chosen), begin, end, zone))


def _drive(here: Where, release: Release | None, wanted: Way = Way.RELEASED) -> None:
    progress: Progress = drive(here.store, here.doing, release)
    typer.echo(f"{progress.release.id}: {progress.way}"
               f"{f' ({progress.reason})' if progress.reason else ''}")  # fmt: skip
    if progress.way is Way.STUCK:
        typer.echo(f"remaining: {', '.join(plan.remaining(progress))}\n"
                   "See docs/runbooks/release-stuck.md", err=True)  # fmt: skip
    if progress.way is not wanted:
        raise typer.Exit(2 if progress.way is Way.TURNED_BACK else 3)


def _me() -> str:
    return os.environ.get("SUDO_USER") or getpass.getuser()


def main() -> None:
    """Do what the command line says."""
    try:
        app()
    except (ReleaseProblemError, HeldError, ConflictError, ValueError) as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(1) from None
    except OSError as error:  # no room, no right, no server
        typer.echo(f"error: {error}\nA release that had begun: release resume", err=True)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
