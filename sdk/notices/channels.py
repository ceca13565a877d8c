"""The channels that the settings name, loaded from Prefect's blocks."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from blocks import JiraProject, SlackChannel, Tickets
from sdk.errors import ConfigurationError, PlatformError
from sdk.notices.sender import Sender
from sdk.notices.settings import NoticeSettings
from sdk.notices.silences import Silence, read_silences
from sdk.notices.speak_slack import Rooms
from sdk.storage import Storage, storage

log = logging.getLogger("dataweave.notices")


def sender(store: str, settings: NoticeSettings) -> Sender:
    """Return a sender for a storage root, with the channels of the settings.

    Raises:
        ConfigurationError: a block that is named cannot be loaded.
    """
    root = storage(store)
    return Sender(root, rooms(settings), tickets(settings), silences=silences(root))


def rooms(settings: NoticeSettings) -> Rooms | None:
    """Return the Slack channels; None where none is named."""
    names = {settings.slack_block, settings.oncall_block, *settings.slack_routes.values()}
    channels = {name: _loaded(SlackChannel, name) for name in sorted(filter(None, names))}
    if not channels:
        return None
    return Rooms(channels, settings.slack_block, settings.slack_routes, settings.oncall_block)


def tickets(settings: NoticeSettings) -> Callable[[], Tickets] | None:
    """Return what connects to Jira; None where no project is named."""
    if not settings.jira_block:
        return None
    project: JiraProject = _loaded(JiraProject, settings.jira_block)
    return project.tickets


def _loaded(kind: Any, name: str) -> Any:
    try:
        return kind.load(name)
    except ValueError as error:
        raise ConfigurationError(
            f"there is no block {kind._block_type_slug}/{name}",
            "Register it: python -m blocks register --environment …",
        ) from error


def silences(root: Storage) -> list[Silence]:
    """Return the silences of a storage root; none where they cannot be read."""
    try:
        return read_silences(root)
    except PlatformError as error:
        # Rather too loud than silent by mistake.
        log.warning("no silence is in force: %s", error)
        return []
