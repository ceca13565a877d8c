"""Running without a server: Prefect's API inside this process, its database in a folder.

Prefect reads its settings when it is first imported, so this module imports nothing of it, and
`embed` comes before everything that does.
"""

from __future__ import annotations

import os
from pathlib import Path

from sdk.errors import ConfigurationError

SERVER = "PREFECT_API_URL"
"""The environment variable that names a server: there is nothing to embed then."""


def embed(home: Path, *, verbose: bool = False) -> None:
    """Prepare this process for Prefect's in-process API.

    What the environment says already stays as it is.

    Args:
        home: folder of the API's database.
        verbose: let Prefect log as it does by default, tracebacks included.

    Raises:
        ConfigurationError: the folder cannot be made.
    """
    if os.environ.get(SERVER):
        return
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"folder {home} cannot be made: {error.strerror}",
            "Run where you may write, or name a Prefect server with PREFECT_API_URL.",
        ) from error
    settings = {
        "PREFECT_HOME": str(home.resolve()),
        "PREFECT_LOGGING_LEVEL": "INFO" if verbose else "CRITICAL",
        # Nothing of an embedded run leaves the machine.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_API_SERVICES_SCHEDULER_ENABLED": "false",
    }
    for name, value in settings.items():
        os.environ.setdefault(name, value)
