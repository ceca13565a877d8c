"""A generated market, small enough for many runs, and a Prefect database that they share."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.sample import Sample, generate

LAST = date(2026, 3, 12)


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Six days of a small market with every fault in it."""
    folder = tmp_path_factory.mktemp("market")
    days = [LAST - timedelta(days=back) for back in reversed(range(6))]
    return generate(folder, seed=11, days=days, products=400)


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a new Prefect database costs seconds."""
    return tmp_path_factory.mktemp("prefect")
