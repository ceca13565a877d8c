"""SFTP: files fetched and sent whole, from a server that is who it should be.

The server's key is a field of the block and must match: a connector that believes whoever answers
would hand its password to them. Ask the server's owner for it, or look it up once with
``ssh-keyscan`` over a network that you trust.

What is fetched gets its name when the last byte is there; what is sent is renamed over there when
it is complete, so that whoever waits for a file there never reads half of one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import uuid
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar, Literal, TypeVar

from pydantic.v1 import Field, SecretStr, root_validator

from blocks.connectors.base import Connector, library
from blocks.connectors.errors import ConnectorError, Interrupted, Refused, Unreachable
from blocks.connectors.object_store import Found
from blocks.connectors.running import stoppable

T = TypeVar("T")

TIDYING = 5.0
"""Seconds for closing and removing what was half sent."""
IN_FLIGHT = {"block_size": 256 * 1024, "max_requests": 16}
"""4 MB asked for ahead: fills a line of 100 Mbit/s at 300 ms, and is all that is held."""


class SftpServer(Connector):
    """A folder of an SFTP server.

    Args:
        host: of the server.
        port: of the server.
        host_key: the server's public key, ``ssh-ed25519 AAAA…``.
        user: who connects.
        password: the user's, or none for a key.
        private_key: the user's, in OpenSSH's or PEM's form.
        passphrase: of the private key.
        folder: that paths are below.
    """

    _block_type_name = "SFTP Server"
    _block_type_slug = "sftp-server"
    policy: ClassVar[Literal["network", "warehouse"]] = "network"

    host: str = Field(default=..., description="Of the server.")
    port: int = Field(default=22, description="Of the server.")
    host_key: str = Field(default=..., description="The server's public key, ssh-ed25519 AAAA….")
    user: str = Field(default=..., description="Who connects.")
    password: SecretStr | None = Field(default=None, description="The user's; none for a key.")
    private_key: SecretStr | None = Field(default=None, description="The user's private key.")
    passphrase: SecretStr | None = Field(default=None, description="Of the private key.")
    folder: str = Field(default=".", description="That paths are below.")

    @root_validator(skip_on_failure=True)
    def _has_a_credential(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805 - pydantic 1
        if values["password"] is None and values["private_key"] is None:
            raise ValueError("password or private_key: one of them is needed")
        return values

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"sftp://{self.user}@{self.host}:{self.port}/{self.folder.strip('/')}"

    def find(self, pattern: str = "*") -> list[Found]:
        """Return the files of the folder that match, by name; folders below are not entered.

        Args:
            pattern: of the name, ``prices_*.csv``.

        Raises:
            Refused: the server is another, or lets us not in, or there is no such folder.
            Unreachable: it does not answer.
        """

        async def listed(sftp: Any) -> list[Found]:
            found = []
            for entry in await sftp.readdir(self.folder):
                attrs = entry.attrs
                # Type 1 is a plain file; servers that tell no type show it in the mode.
                plain = attrs.type == 1 or (attrs.permissions or 0) & 0o170000 == 0o100000
                if plain and fnmatch(str(entry.filename), pattern):
                    moment = datetime.fromtimestamp(attrs.mtime, UTC) if attrs.mtime else None
                    found.append(Found(str(entry.filename), int(attrs.size or 0), moment))
            return sorted(found)

        return self._with("list", listed)

    def fetch(self, path: str, folder: Path) -> Path:
        """Copy a file into a folder of this machine; return where it is."""
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / PurePosixPath(path).name
        temporary = folder / f".{uuid.uuid4().hex}.part"
        try:
            self._with(
                f"fetch {path}",
                lambda sftp: sftp.get(self._below(path), str(temporary), **IN_FLIGHT),
            )
            os.replace(temporary, target)  # noqa: PTH105 - both are on this machine
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def send(self, file: Path, path: str) -> None:
        """Copy a file of this machine there, in the place of what has its name."""

        async def sent(sftp: Any) -> None:
            target = self._below(path)
            temporary = str(PurePosixPath(target).parent / f".{uuid.uuid4().hex}.part")
            try:
                await sftp.put(str(file), temporary, **IN_FLIGHT)
                await sftp.posix_rename(temporary, target)
            except BaseException:
                # The first reason is worth more than that this did not go, either.
                with contextlib.suppress(library("asyncssh").SFTPError, OSError):
                    await asyncio.shield(sftp.remove(temporary))
                raise

        self._with(f"send {path}", sent)

    def remove(self, path: str) -> None:
        """Remove a file, when it has been dealt with."""
        self._with(f"remove {path}", lambda sftp: sftp.remove(self._below(path)))

    def _below(self, path: str) -> str:
        if ".." in PurePosixPath(path).parts:
            raise Refused(f"{self.where()}: {path!r} leads out of the folder", "Give a plain path.")
        return str(PurePosixPath(self.folder) / path.lstrip("/"))

    def _check(self) -> str:
        count = len(self.find())
        return f"{self.where()}: connected, the server is the one it should be, {count} files"

    def _with(self, doing: str, work: Callable[[Any], Coroutine[Any, Any, T]]) -> T:
        asyncssh = library("asyncssh")

        async def connected() -> T:
            async with asyncio.timeout(self.time_limit):
                connection = await asyncssh.connect(**self._options(asyncssh))
                try:
                    sftp = await connection.start_sftp_client()
                    return await _attended(work(sftp))
                finally:
                    # Everything is answered, or nothing more will be: no goodbye to wait for.
                    connection.abort()

        try:
            return _run(connected, f"SFTP, {doing}")
        except ConnectorError:
            raise
        except asyncio.CancelledError as error:
            raise Interrupted(f"{self.where()}: {doing} was stopped") from error
        except Exception as error:
            raise self._meaning(error, doing, asyncssh) from error

    def _options(self, asyncssh: Any) -> dict[str, Any]:
        try:
            trusted = asyncssh.import_public_key(self.host_key)
        except asyncssh.KeyImportError as error:
            raise Refused(
                f"{self.where()}: host_key is no public key", "Write it as ssh-ed25519 AAAA…."
            ) from error
        keys: Any = None
        if self.private_key is not None:
            phrase = self.passphrase.get_secret_value() if self.passphrase else None
            try:
                keys = [asyncssh.import_private_key(self.private_key.get_secret_value(), phrase)]
            except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
                raise Refused(
                    f"{self.where()}: private_key cannot be read ({type(error).__name__})",
                    "Give it in OpenSSH's form, with its passphrase.",
                ) from None
        return {
            "host": self.host,
            "port": self.port,
            "username": self.user,
            "password": self.password.get_secret_value() if self.password else None,
            "client_keys": keys,
            "known_hosts": ([trusted], [], []),
            # Nothing of the machine's own: no agent, no configuration.
            "agent_path": None,
            "config": None,
            "connect_timeout": self.timeout,
            "login_timeout": self.timeout,
            "keepalive_interval": 15,
        }

    def _meaning(self, error: Exception, doing: str, asyncssh: Any) -> ConnectorError:
        problem = f"{self.where()}: cannot {doing}"
        said = self.cleaned(error)
        if isinstance(error, asyncssh.HostKeyNotVerifiable):
            return Refused(
                f"{problem}: the server's key is not the one in the block",
                "Ask the server's owner whether it changed; until then nothing is sent to it.",
            )
        if isinstance(error, asyncssh.PermissionDenied):
            return Refused(
                f"{problem}: it lets nobody in with this user and credential",
                "Correct the block's user, password or key.",
            )
        if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
            return Refused(f"{problem}: it is not there ({said})", "Correct the path.")
        if isinstance(error, asyncssh.SFTPPermissionDenied):
            return Refused(f"{problem}: it is not permitted ({said})", "Have us let in.")
        if isinstance(error, asyncssh.SFTPConnectionLost | asyncssh.SFTPNoConnection):
            return Unreachable(f"{problem}: the connection broke off", "It is tried again.")
        if isinstance(error, asyncssh.SFTPError):
            return Refused(f"{problem}: {said}", "See the path, and the space over there.")
        if isinstance(error, TimeoutError):
            return Unreachable(
                f"{problem}: not within its time", "Give the connector's time_limit more."
            )
        return Unreachable(f"{problem}: {type(error).__name__}", "See whether it answers.")


async def _attended(work: Coroutine[Any, Any, T]) -> T:
    """Await work; when the wait ends early let it tidy up, but not for as long as it likes.

    Tidying up asks the other side, which may be the one that does not answer.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task})
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=TIDYING)


def _run(work: Callable[[], Coroutine[Any, Any, T]], what: str) -> T:
    """Run a coroutine in a loop and a thread of its own; stop it when the wait for it ends.

    In a thread: the caller may be in a loop itself, as a notebook's cell is.
    """
    outcome: list[T] = []
    failure: list[BaseException] = []
    started = threading.Event()
    handle: dict[str, Any] = {}

    async def main() -> T:
        handle["loop"], handle["task"] = asyncio.get_running_loop(), asyncio.current_task()
        # Requests that were in flight when it broke off: the first one's error is told.
        handle["loop"].set_exception_handler(lambda *_: None)
        started.set()
        return await work()

    def run() -> None:
        try:
            outcome.append(asyncio.run(main()))
        except BaseException as error:
            failure.append(error)
        finally:
            started.set()

    def stop() -> None:
        started.wait(5)
        if "loop" in handle and not handle["loop"].is_closed():
            handle["loop"].call_soon_threadsafe(handle["task"].cancel)

    thread = threading.Thread(target=run, name=what, daemon=True)
    with stoppable(what, stop):
        thread.start()
        # In short waits: only between them can the waiting thread be told to end.
        while thread.is_alive():
            thread.join(0.2)
    if failure:
        raise failure[0]
    return outcome[0]
