"""A place on this machine where releases happen: folder, ports, database, queues."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from infra.controller.layout import ROOT
from infra.release.local.processes import ROLE, SITE, VERSION
from infra.release.migrations import read
from infra.release.model import Colour, Version
from infra.release.store import FileStore, ReleaseProblemError

FILE: Final = "release.json"
_SKIPPED: Final = frozenset({"__pycache__", ".git", ".venv", ".mypy_cache", ".ruff_cache"})


@dataclass(frozen=True)
class Site:
    """Where releases happen.

    Attributes:
        folder: everything is below it.
        database: address of the Prefect database, with the driver asyncpg.
        proxy_port: of nginx.
        blue_port: of the blue server.
        green_port: of the green server.
        pool: the work pool.
        queues: of it, without colours.
        slots: runs of a worker at a time.
        limits: of queues; parents that wait for children must leave these a slot.
        canary: the deployment that is the canary.
        settings: Prefect's, for all processes.
    """

    folder: Path
    database: str = field(repr=False)
    proxy_port: int
    blue_port: int
    green_port: int
    pool: str = "local"
    queues: tuple[str, ...] = ("realtime", "coordinate", "work", "backfill")
    slots: int = 8
    limits: Mapping[str, int] = field(default_factory=dict)
    canary: str = "release-canary"
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> Site:
        """Return the site of a folder.

        Raises:
            ReleaseProblemError: there is none.
        """
        folder = folder.resolve()
        try:
            found = json.loads((folder / FILE).read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ReleaseProblemError(f"no releases happen in {folder}: no {FILE}") from None
        database = (folder / "database").read_text(encoding="utf-8").strip()
        found["queues"] = tuple(found["queues"])
        return cls(folder=folder, database=database, **found)

    def keep(self) -> None:
        """Write it down; the database's address, which may hold a password, for its owner alone."""
        said: dict[str, Any] = asdict(self)
        del said["folder"], said["database"]
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / FILE).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
        handle = os.open(self.folder / "database", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(self.database)

    @property
    def store(self) -> FileStore:
        """What is remembered."""
        return FileStore(self.folder / "state")

    def port(self, colour: Colour) -> int:
        """Return the port of a colour's server."""
        return self.blue_port if colour is Colour.BLUE else self.green_port

    def url(self, colour: Colour) -> str:
        """Return the address of a colour's API, past the proxy."""
        return f"http://127.0.0.1:{self.port(colour)}/api"

    @property
    def proxy_url(self) -> str:
        """Return the address of the API as everybody knows it."""
        return f"http://127.0.0.1:{self.proxy_port}/api"

    def environment(self, role: str, version: Version) -> dict[str, str]:
        """Return the environment of a process of a version, marked with what it is for."""
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith(("PREFECT_", "DATAWEAVE_", "PYTHONPATH"))}  # fmt: skip
        home = self.folder / "home" / role
        home.mkdir(parents=True, exist_ok=True)
        path = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
        return {
            **kept,
            "PATH": path,
            "PYTHONPATH": f"{version.where}{os.pathsep}{ROOT}",
            "PREFECT_HOME": str(home),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            **self.settings,
            "DATAWEAVE_CODE": version.where,
            ROLE: role,
            SITE: str(self.folder),
            VERSION: version.digest,
        }

    def python(self, version: Version) -> str:
        """Return a version's interpreter: its own, or that of this process."""
        own = Path(version.where) / ".venv" / "bin" / "python"
        return str(own) if own.exists() else sys.executable


def version_of(folder: Path, commit: str = "", image: str = "") -> Version:
    """Return a folder's version: the hash over names and bytes of all its files.

    Args:
        folder: of the code, with its prefect.yaml.
        commit: from which it was made.
        image: reference by digest, where the image made of the folder is what is released.

    Raises:
        ReleaseProblemError: it declares no deployments, or its migrations are not one line.
    """
    folder = folder.resolve()
    if not (folder / "prefect.yaml").is_file():
        raise ReleaseProblemError(f"{folder} is no version: it has no prefect.yaml")
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not _SKIPPED & set(path.relative_to(folder).parts):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            digest.update(f"{path.relative_to(folder)}\0{content}\n".encode())
    try:
        line = read(folder)
    except ValueError as error:
        raise ReleaseProblemError(str(error)) from None
    schema = line[-1].revision if line else ""
    if image:
        name, at, named = image.partition("@sha256:")
        if not name or not at or not re.fullmatch(r"[0-9a-f]{64}", named):
            raise ReleaseProblemError(f"{image!r} names no digest: repository@sha256:…")
        return Version(named, commit, str(folder), schema, image)
    return Version(digest.hexdigest(), commit, str(folder), schema)
