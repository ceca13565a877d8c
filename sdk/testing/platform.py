"""`platform`: a whole platform for the tests of a flow, gone when the test is.

A store in a temporary folder, settings that know nothing of the machine's, Prefect's API inside
the test's process, and, when they are asked for, HTTP stand-ins for Slack and Jira with the
blocks that point to them. A flow's author takes it in a `conftest.py`::

    from sdk.testing.platform import platform, prefect_api  # noqa: F401

and writes tests that run real flows against it::

    def test_metro_says_what_broke(platform):
        ran = platform.run(metro_daily, day=DAY, source=str(platform.folder))
        assert ran.state == "Failed"
        assert "no price files" in str(ran.error)

It starts no worker and deploys nothing; flows run in the test.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sdk.dataset import Dataset, DatasetKey
from sdk.progress import Event, StepEnded, listening
from sdk.settings import Settings
from sdk.statistics import StepRecord
from sdk.store import Content, Store

if TYPE_CHECKING:
    from sdk.testing.receivers import JiraReceiver, SlackReceiver

__all__ = ["Platform", "Ran", "platform", "prefect_api"]

CHANNEL = "dataweave-test"


@dataclass(frozen=True)
class Ran:
    """How a run of a flow went.

    Attributes:
        state: its name: Completed, Degraded, Failed…
        value: what it returned; None if it failed.
        error: what it failed of; None if it did not.
        records: how each step went, in the order in which they ended.
    """

    state: str
    value: Any
    error: BaseException | None
    records: tuple[StepRecord, ...]

    def record(self, step: str) -> StepRecord:
        """Return how a step went that ran once.

        Raises:
            LookupError: it ran not at all, or several times.
        """
        found = [record for record in self.records if record.step == step]
        if len(found) != 1:
            steps = sorted({record.step for record in self.records})
            raise LookupError(f"step {step!r} ran {len(found)} times; there were {steps}")
        return found[0]


class Platform:
    """What a flow under test runs on.

    Args:
        folder: of the test, for its files; the store is in it.
        environment: sets environment variables for the length of the test.
        closing: closed at the end of the test.
    """

    def __init__(self, folder: Path, environment: pytest.MonkeyPatch, closing: ExitStack) -> None:
        self.folder = folder
        self._environment = environment
        self._closing = closing

    @property
    def settings(self) -> Settings:
        """The settings that flows will find."""
        return Settings()

    @cached_property
    def store(self) -> Store:
        """The store that flows publish to."""
        return Store(self.settings.storage)

    def set(self, **settings: str) -> None:
        """Change settings for the test, such as ``set(timezone="Asia/Jerusalem")``."""
        for name, value in settings.items():
            self._environment.setenv(f"DATAWEAVE_{name.upper()}", value)

    def give(self, content: Content, *, customer: str, name: str, day: date) -> Dataset:
        """Publish a dataset for a flow or step to start from."""
        key = DatasetKey(customer=customer, name=name, day=day)
        return self.store.publish(key, content, fingerprint="")

    def dataset(self, *, customer: str, name: str, day: date) -> Dataset | None:
        """Return what was published; None if nothing was."""
        return self.store.dataset(DatasetKey(customer=customer, name=name, day=day))

    def run(self, flow: Any, /, **parameters: Any) -> Ran:
        """Run a flow by Prefect's engine, to its end; a failure is returned, not raised."""
        records: list[StepRecord] = []

        def listen(event: Event) -> None:
            if isinstance(event, StepEnded):
                records.append(event.record)

        with listening(listen):
            state = flow(**parameters, return_state=True)
        outcome = state.result(raise_on_failure=False)
        failed = isinstance(outcome, BaseException)
        return Ran(
            state=state.name or "",
            value=None if failed else outcome,
            error=outcome if failed else None,
            records=tuple(records),
        )

    @cached_property
    def slack(self) -> SlackReceiver:
        """A stand-in for Slack, to which notices go from the first time that it is asked for."""
        from prefect_slack import SlackCredentials  # type: ignore[import-untyped]

        from blocks import SlackChannel
        from sdk.testing.receivers import SlackReceiver

        receiver = self._closing.enter_context(SlackReceiver(channels=[CHANNEL]))
        credentials = SlackCredentials(token=receiver.token)
        block: Any = SlackChannel(
            credentials=credentials, channel=CHANNEL, base_url=receiver.api_url
        )
        block.save("operations", overwrite=True)
        self.set(slack_block="operations")
        return receiver

    @cached_property
    def jira(self) -> JiraReceiver:
        """A stand-in for Jira, in which faults get tickets from the first time it is asked for."""
        from pydantic.v1 import SecretStr

        from blocks import JiraProject
        from sdk.testing.receivers import JiraReceiver

        receiver = self._closing.enter_context(JiraReceiver(projects=["OPS"]))
        token = SecretStr(receiver.token)
        block: Any = JiraProject(
            server=receiver.url, user=receiver.user, token=token, project="OPS"
        )
        block.save("support", overwrite=True)
        self.set(jira_block="support")
        return receiver


@pytest.fixture(scope="session")
def prefect_api() -> Iterator[None]:
    """Prefect's API in this process, with a database that is not its user's.

    A test run that gave Prefect a temporary home has that already, for every thread. Else there
    is Prefect's own harness, which holds for the test's thread and what Prefect starts from it.
    """
    from prefect.settings import PREFECT_API_URL, PREFECT_HOME
    from prefect.testing.utilities import prefect_test_harness

    temporary = Path(tempfile.gettempdir()).resolve()
    if PREFECT_API_URL.value() is None and PREFECT_HOME.value().resolve().is_relative_to(temporary):
        yield
        return
    with prefect_test_harness():
        yield


@pytest.fixture
def platform(
    prefect_api: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Platform]:
    """A store, settings and Prefect's API, for one test."""
    for name in [name for name in os.environ if name.startswith("DATAWEAVE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATAWEAVE_STORAGE", str(tmp_path / "store"))
    with ExitStack() as closing:
        yield Platform(tmp_path, monkeypatch, closing)
