"""What a process loads for the SDK: every run of every flow pays for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import blocks
import sdk

HEAVY = (
    "aiohttp",
    "boto3",
    "dask",
    "duckdb",
    "jira",
    "lightgbm",
    "numpy",
    "polars",
    "pyarrow",
    "slack_sdk",
    "sklearn",
)


def _loaded(statement: str) -> set[str]:
    program = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return set(json.loads(ended.stdout.splitlines()[-1]))


def test_the_sdk_loads_no_library_of_which_prefect_has_no_need() -> None:
    ours = _loaded("import prefect, sdk; sdk.flow, sdk.task, sdk.Dataset")
    assert {name for name in HEAVY if name in ours - _loaded("import prefect")} == set()


def test_what_a_package_names_is_found_in_it() -> None:
    for package in (blocks, sdk):
        for name in package.__all__:
            found = getattr(package, name)
            assert getattr(found, "__name__", name).rpartition(".")[2] == name
        with pytest.raises(AttributeError, match="no attribute 'none'"):
            package.none  # noqa: B018


def test_prefect_finds_our_blocks_without_an_import_of_ours() -> None:
    program = (
        "from prefect.plugins import load_prefect_collections\n"
        "from prefect.utilities.dispatch import get_registry_for_type\n"
        "from prefect.blocks.core import Block\n"
        "load_prefect_collections()\n"
        "print(sorted(get_registry_for_type(Block)))"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert "jira-project" in ended.stdout and "slack-channel" in ended.stdout, ended.stdout
