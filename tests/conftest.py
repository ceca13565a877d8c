"""What every test stands on: no network beyond loopback, a Prefect home of its own, a store."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

# Before Prefect is imported anywhere: its settings are read then. A home for each worker.
_home = tempfile.mkdtemp(prefix="dataweave-prefect-")
atexit.register(shutil.rmtree, _home, ignore_errors=True)
os.environ.update(
    {
        "PREFECT_HOME": _home,
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false",
    }
)
for name in ("PREFECT_API_URL", "PREFECT_API_KEY", "DATAWEAVE_STORAGE"):
    os.environ.pop(name, None)

# No test is about time: a busy machine must not make one fail. A failure says how to repeat it.
hypothesis.settings.register_profile("platform", deadline=None, print_blob=True)
hypothesis.settings.load_profile("platform")

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose tests may take longest: at the end nobody shall wait for one."""
    patience: dict[Path, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        patience[item.path] = max(patience.get(item.path, 0), mark.args[0] if mark else 0)
    items.sort(key=lambda item: -patience[item.path])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Report a failure without source lines where Python 3.11 cannot parse them again.

    Its parser takes an exception in a destructor for one of its own (SystemError, "recursion
    depth mismatch"), which would end the whole run and hide the failure.
    """
    try:
        return (yield)
    except SystemError:
        item.config.option.tbstyle = "native"
        return pytest.TestReport.from_item_and_call(item, call)


@pytest.fixture(autouse=True)
def only_loopback(socket_enabled: None) -> Iterator[None]:
    """Block every socket to anywhere but this machine."""
    from pytest_socket import _remove_restrictions, socket_allow_hosts

    socket_allow_hosts(["127.0.0.0/8", "::1", "localhost"], allow_unix_socket=True)
    yield
    _remove_restrictions()


@pytest.fixture
def store_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store in a folder of the test, where flows find it."""
    url = str(tmp_path / "store")
    monkeypatch.setenv("DATAWEAVE_STORAGE", url)
    return url


@pytest.fixture(scope="session")
def il_prices() -> str:
    """The folder of real price files."""
    folder = SHARED / "il_prices"
    if not folder.exists():
        pytest.skip(f"no real data at {folder}")
    return str(folder)
