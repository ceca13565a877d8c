"""The flows that forget: `retention` in the database, `archive-logs` in the log folder."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.operations.retention.plan import Rule, rules
from sdk import flow
from sdk.errors import ConfigurationError
from sdk.fallback import duration
from sdk.prefect2 import run_logger

DATABASE = "DATAWEAVE_DATABASE_URL"
"""Environment variable with the address of Prefect's database; a secret, so no parameter."""
PAUSE = 0.05
"""Seconds between batches: the server's own statements come through."""


@flow(name="retention", customer="platform", owner="platform", tier="bronze", deadline="2h")
def retention(
    logs: str = "14d",
    runs: str = "90d",
    events: str = "7d",
    batch: int = 500,
    minutes: float = 60,
) -> dict[str, int]:
    """Delete old rows of Prefect's database in small batches, then vacuum.

    Args:
        logs: for how long lines of logs are kept.
        runs: for how long runs are kept, with their states, tasks and artifacts.
        events: for how long events are kept.
        batch: rows of a statement.
        minutes: after which it stops, wherever it is: the next run goes on.

    Returns:
        The rows that were deleted, by table.

    Raises:
        ConfigurationError: the database is not named, or is not PostgreSQL.
    """
    url = os.environ.get(DATABASE, "").replace("+asyncpg", "")
    if not url.startswith("postgresql://"):
        raise ConfigurationError(
            "no PostgreSQL database is named", f"Set {DATABASE} for the worker of this flow."
        )
    chosen = rules(duration(logs), duration(runs), duration(events))
    deleted = asyncio.run(_forget(url, chosen, batch, time.monotonic() + minutes * 60))
    run_logger().info("deleted %s", ", ".join(f"{n} of {t}" for t, n in deleted.items()))
    return deleted


async def _forget(url: str, chosen: list[Rule], batch: int, end: float) -> dict[str, int]:
    import asyncpg

    connection, deleted = await asyncpg.connect(url), {}
    try:
        for rule in chosen:
            deleted[rule.table] = await _delete(connection, rule, batch, end)
            if deleted[rule.table]:
                await connection.execute(rule.vacuum())
    finally:
        await connection.close()
    return deleted


async def _delete(connection: Any, rule: Rule, batch: int, end: float) -> int:
    oldest, total = datetime.now(UTC) - rule.keep, 0
    while time.monotonic() < end:
        told = await connection.execute(rule.statement(), oldest, batch)
        count = int(told.rpartition(" ")[2])
        total += count
        if count < batch:
            break
        await asyncio.sleep(PAUSE)
    return total


@flow(name="archive-logs", customer="platform", owner="platform", tier="bronze", deadline="1h")
def archive_logs(after: str = "7d", keep: str = "90d", largest_mb: float = 50) -> dict[str, int]:
    """Pack log files that are old, delete packed ones that are older, cut services' long ones.

    Args:
        after: age at which a run's log is packed into the archive.
        keep: age at which a packed one is deleted.
        largest_mb: of a service's log, at which it is packed and begun anew.

    Returns:
        How many were packed, deleted and begun anew.

    Raises:
        ConfigurationError: no folder of logs is named.
    """
    named = os.environ.get("DATAWEAVE_LOGS")
    if not named:
        raise ConfigurationError("no folder of logs is named", "Set DATAWEAVE_LOGS for the worker.")
    folder, now = Path(named), datetime.now(UTC)
    done = {"packed": 0, "deleted": 0, "begun anew": 0}
    for path in sorted(folder.glob("application/*.log")):
        if _age(path, now) > duration(after):
            _pack(path, folder / "archive" / "application" / f"{path.name}.gz")
            path.unlink()
            done["packed"] += 1
    for path in sorted(folder.glob("services/*.log")):
        if path.stat().st_size > largest_mb * 1e6:
            _pack(path, folder / "archive" / "services" / f"{path.stem}-{now:%Y%m%dT%H%M%S}.log.gz")
            # Whoever writes it has it open for appending: it goes on at the beginning.
            os.truncate(path, 0)
            done["begun anew"] += 1
    for path in sorted(folder.glob("archive/*/*.gz")):
        if _age(path, now) > duration(keep):
            path.unlink()
            done["deleted"] += 1
    return done


def _age(path: Path, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _pack(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}")
    with path.open("rb") as source, gzip.open(fresh, "wb") as packed:
        shutil.copyfileobj(source, packed)
    shutil.copystat(path, fresh)  # the archive keeps by the age of what is in it
    fresh.replace(target)
