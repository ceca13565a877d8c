"""When a run is due, and how near that is to somebody's fetching it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

SOON: Final = timedelta(seconds=30)
"""Before it is due, a run may be fetched by a worker already (10 s), and is left alone."""


def due(run: Mapping[str, Any]) -> datetime:
    """Return when a run is due."""
    said = run["next_scheduled_start_time"] or run["expected_start_time"] or run["created"]
    return datetime.fromisoformat(said.replace("Z", "+00:00"))
