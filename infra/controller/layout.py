"""Where everything of a platform on one machine is: a folder, its ports, its secrets.

Made once and kept in ``platform.json`` of the folder, so that a platform that is started again is
the same one. Secrets are files that only their owner reads; they are in no argument of a process.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
"""The code."""
PREFERRED_PORT = 8420
"""Of nginx, where it is free: an address that can be remembered."""


class PlatformProblemError(Exception):
    """Why the platform cannot be started, and what to do."""


@dataclass(frozen=True)
class Layout:
    """A platform's folder.

    Attributes:
        folder: everything is below it.
        web_port: nginx's, where people and machines come in.
        server_port: Prefect's own.
        database_port: PostgreSQL's.
        database_url: of a service that is there already; None for one of our own.
    """

    folder: Path
    web_port: int
    server_port: int
    database_port: int
    database_url: str | None = None

    @classmethod
    def at(cls, folder: Path, database_url: str | None = None, port: int | None = None) -> Layout:
        """Return the platform of a folder, made if there is none."""
        folder = folder.expanduser().resolve()
        kept = folder / "platform.json"
        if kept.exists():
            return cls.kept(folder)
        for name in ("run", "logs/services", "logs/application", "logs/archive", "store", "home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        made = cls(
            folder,
            port or _free_port(PREFERRED_PORT),
            _free_port(),
            _free_port(),
            database_url,
        )
        for name in ("machine-token", "people-password"):
            made.write_secret(name, secrets.token_urlsafe(24))
        said = {**asdict(made), "folder": str(folder), "database_url": None}
        if database_url is not None:
            made.write_secret("database-url", database_url)
        kept.write_text(json.dumps(said, indent=2) + "\n")
        return made

    @classmethod
    def kept(cls, folder: Path) -> Layout:
        """Return the platform that a folder holds.

        Raises:
            PlatformProblemError: it holds none.
        """
        folder = folder.expanduser().resolve()
        try:
            found = json.loads((folder / "platform.json").read_text())
        except FileNotFoundError:
            raise PlatformProblemError(
                f"there is no platform in {folder}\nStart one: make up."
            ) from None
        found["folder"] = folder
        secret = folder / "secrets" / "database-url"
        found["database_url"] = secret.read_text() if secret.exists() else None
        return cls(**found)

    def secret(self, name: str) -> str:
        """Return a secret of the platform."""
        return (self.folder / "secrets" / name).read_text().strip()

    def write_secret(self, name: str, value: str) -> None:
        """Keep a secret for its owner alone."""
        path = self.folder / "secrets" / name
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(value)

    @property
    def url(self) -> str:
        """The address of the pages."""
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def api_url(self) -> str:
        """The address of the API, behind nginx."""
        return f"{self.url}/api"

    @property
    def database(self) -> str:
        """The address of the database, for Prefect's server."""
        own = f"postgresql+asyncpg://prefect@127.0.0.1:{self.database_port}/prefect"
        return self.database_url or own


def default_folder() -> Path:
    """Return where a platform goes that is told no folder.

    PostgreSQL and nginx give root's rights up, and could not enter a folder in root's home.
    """
    return Path("/var/lib/dataweave") if os.geteuid() == 0 else Path(".dataweave") / "platform"


def program(name: str) -> str:
    """Return the path of a program of Debian's packages.

    Raises:
        PlatformProblemError: it is not installed.
    """
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=_version)
    found = (
        str(debian[-1]) if debian else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    )
    if found is None:
        package = "nginx" if name == "nginx" else "postgresql"
        raise PlatformProblemError(
            f"{name} is not installed\nInstall it: apt-get install {package}; or name a "
            "database that is there: DATABASE=postgresql+asyncpg://…"
        )
    return found


def _version(path: Path) -> int:
    return int(path.parts[4]) if path.parts[4].isdigit() else 0


def _free_port(preferred: int = 0) -> int:
    for port in (preferred, 0):
        with socket.socket() as free:
            try:
                free.bind(("127.0.0.1", port))
            except OSError:
                continue
            found: int = free.getsockname()[1]
            return found
    raise PlatformProblemError("no port of 127.0.0.1 is free")


def entered_by_all(folder: Path) -> bool:
    """Say whether other accounts can reach a folder; they only have to where we are root."""
    return all(path.stat().st_mode & 0o001 for path in (folder, *folder.parents))


def check_ports(layout: Layout) -> None:
    """Raise PlatformProblemError where somebody else listens where a service has to."""
    wanted = {"web_port": layout.web_port, "server_port": layout.server_port}
    if layout.database_url is None:
        wanted["database_port"] = layout.database_port
    for name, port in wanted.items():
        with socket.socket() as probe:
            # Connections that have ended linger, and are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise PlatformProblemError(
                    f"port {port} of 127.0.0.1 cannot be had: {error.strerror}\n"
                    f"Stop who has it (ss -ltnp 'sport = :{port}'), or give another as {name} in "
                    f"{layout.folder / 'platform.json'}."
                ) from None


def check_reachable(folder: Path) -> None:
    """Raise PlatformProblemError where root's services could not enter the folder."""
    if os.geteuid() == 0 and not entered_by_all(folder):
        raise PlatformProblemError(
            f"{folder} cannot be entered by the accounts of PostgreSQL and nginx\n"
            f"Name another: make up FOLDER=/var/lib/dataweave (not below {tempfile.gettempdir()} "
            "or a home that is closed)."
        )
