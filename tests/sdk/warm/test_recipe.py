"""What starts warm, and what does not; the settings of a worker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from sdk.errors import ConfigurationError
from sdk.warm.recipe import Recipe
from sdk.warm.settings import WarmSettings

ENV = {"PATH": str(Path(sys.executable).parent), "PREFECT__FLOW_RUN_ID": "one"}


def test_only_the_run_s_id_may_differ() -> None:
    one = Recipe.of("python -m sdk.running", ENV, None)
    assert one is not None
    assert one == Recipe.of("python -m sdk.running", {**ENV, "PREFECT__FLOW_RUN_ID": "two"}, None)
    for other in (
        Recipe.of("python -m prefect.engine", ENV, None),
        Recipe.of("python -m sdk.running", {**ENV, "POLARS_MAX_THREADS": "1"}, None),
        Recipe.of("python -m sdk.running", ENV, Path("/tmp")),
        Recipe.of("python -m sdk.running", ENV, None, "/bin/sh"),
    ):
        assert other is not None
        assert other != one


@pytest.mark.parametrize(
    "command",
    ["", "python", "python flow.py", "python -m", "python -m other", "sh -c true",
     "python -m prefect.engine 1", "env A=b python -m prefect.engine",
     "no-such-python -m prefect.engine", "bin/python -m prefect.engine"],
)  # fmt: skip
def test_a_command_of_its_own_starts_the_stock_way(command: str) -> None:
    assert Recipe.of(command, ENV, None) is None


def test_what_depends_on_the_working_folder_starts_the_stock_way(tmp_path: Path) -> None:
    for path in ("src", "/a:b", ".", "/a:"):
        assert Recipe.of("python -m prefect.engine", {**ENV, "PYTHONPATH": path}, None) is None
    assert Recipe.of("python -m prefect.engine", ENV, tmp_path / "missing") is None
    assert Recipe.of("python -m prefect.engine", {**ENV, "PYTHONPATH": "/a"}, None) is not None


def test_settings_are_read_and_checked() -> None:
    given = {"DATAWEAVE_WARM_SPARES": "0", "DATAWEAVE_WARM_START": "spawn",
             "DATAWEAVE_WARM_POLL": "0.5", "OTHER": "x"}  # fmt: skip
    assert WarmSettings.of(given) == WarmSettings(spares=0, start="spawn", poll=0.5)
    for name, value in [("SPARES", "-1"), ("SPARES", "1.5"), ("POLL", "0"), ("POLL", "nan"),
                        ("MAX_AGE", "inf"), ("START", "thread"), ("ENVIRONMENTS", "0"),
                        ("MAX_RUNS", "many")]:  # fmt: skip
        with pytest.raises(ConfigurationError, match=f"DATAWEAVE_WARM_{name} is '{value}'"):
            WarmSettings.of({f"DATAWEAVE_WARM_{name}": value})
