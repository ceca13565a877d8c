"""Interpreters of a module of our own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sdk.warm import recipe
from tests.sdk.warm.jobs import Bench


@pytest.fixture
async def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    modules: Any = recipe.MODULES
    monkeypatch.setitem(modules, "warmjob", (("warmbase",), ("warmlater",)))
    made = Bench(tmp_path)
    yield made
    await made.close()
