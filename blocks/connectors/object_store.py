"""Object stores and folders by URL, through fsspec: S3, Google Cloud Storage, Azure, SMB, a disk.

What is fetched or sent is there whole or not at all: on a disk by a rename, in an object store
because an upload that breaks off leaves no object.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic.v1 import Field, SecretStr

from blocks.connectors.base import Connector
from blocks.connectors.errors import ConnectorError, Refused, Unreachable


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A file over there: its path below the connector's folder, bytes, and when it changed."""

    path: str
    bytes: int
    modified: datetime | None = None


class ObjectStore(Connector):
    """A folder of an object store, or of anything that fsspec opens.

    Args:
        url: of the folder: ``s3://bucket/folder``, ``gs://…``, ``az://…``, ``/mnt/share``.
        secret: the secret among fsspec's options for that store, if it takes one.
        secret_option: its name there: ``secret`` for S3, ``account_key`` for Azure, ``token``…
        options: fsspec's other options: ``{"key": …, "endpoint_url": …}``.
    """

    _block_type_name = "Object Store"
    _block_type_slug = "object-store"
    policy: ClassVar[Literal["network", "warehouse"]] = "network"

    url: str = Field(default=..., description="Of the folder: s3://bucket/folder.")
    secret: SecretStr | None = Field(default=None, description="The secret among the options.")
    secret_option: str = Field(default="secret", description="Its name among fsspec's options.")
    options: dict[str, Any] = Field(default_factory=dict, description="fsspec's other options.")

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return self.cleaned(self.url.rstrip("/"))

    def storage_options(self) -> dict[str, Any]:
        """Return all of fsspec's options, the secret in the clear."""
        options = dict(self.options)
        if self.secret is not None:
            options[self.secret_option] = self.secret.get_secret_value()
        if self.url.startswith(("s3://", "s3a://")):
            options.setdefault(
                "config_kwargs",
                {
                    "connect_timeout": min(self.timeout, 10),
                    "read_timeout": self.timeout,
                    "retries": {"mode": "standard", "total_max_attempts": 3},
                },
            )
        return options

    def find(self, pattern: str = "**") -> list[Found]:
        """Return the files that match, by path.

        Args:
            pattern: below the folder, ``*.csv.gz`` or ``2026-12-01/**``.

        Raises:
            Refused: there is no such folder, or it may not be listed.
            Unreachable: the store does not answer.
        """
        with self._opened("list", pattern) as (fs, root):
            # A bucket that is not there globs to nothing, and would look like an empty one.
            fs.ls(root.split("/")[0] if self._is_remote() else root, refresh=True)
            found = fs.glob(f"{root}/{pattern}", detail=True)
            return sorted(
                Found(path[len(root) :].lstrip("/"), int(info["size"] or 0), _moment(info))
                for path, info in found.items()
                if info["type"] == "file"
            )

    def fetch(self, path: str, folder: Path) -> Path:
        """Copy a file into a folder of this machine; return where it is."""
        target = folder / Path(path).name
        temporary = folder / f".{uuid.uuid4().hex}.part"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with self._opened("fetch", path) as (fs, root):
                fs.get_file(f"{root}/{path}", str(temporary))
            os.replace(temporary, target)  # noqa: PTH105 - both are on this machine
        finally:
            temporary.unlink(missing_ok=True)
        return target

    def send(self, file: Path, path: str) -> str:
        """Copy a file of this machine there; return its URL."""
        with self._opened("send", path) as (fs, root):
            target = f"{root}/{path}"
            if self._is_remote():
                fs.put_file(str(file), target)
            else:
                fs.makedirs(str(Path(target).parent), exist_ok=True)
                temporary = f"{Path(target).parent}/.{uuid.uuid4().hex}.part"
                fs.put_file(str(file), temporary)
                fs.mv(temporary, target)
        return f"{self.url.rstrip('/')}/{path}"

    def _check(self) -> str:
        with self._opened("list", "") as (fs, root):
            count = len(fs.ls(root, refresh=True))
        return f"{self.where()}: listed, {count} entries"

    def _is_remote(self) -> bool:
        return "://" in self.url and not self.url.startswith(("file://", "local://"))

    @contextmanager
    def _opened(self, doing: str, path: str) -> Iterator[tuple[Any, str]]:
        import fsspec

        problem = f"{self.where()}: cannot {doing} {path or 'it'}"
        try:
            fs, root = fsspec.core.url_to_fs(self.url, **self.storage_options())
            yield fs, str(root).rstrip("/")
        except ConnectorError:
            raise
        except FileNotFoundError as error:
            raise Refused(f"{problem}: it is not there", "Correct the path or the url.") from error
        except PermissionError as error:
            raise Refused(
                f"{problem}: {self.cleaned(error)}", "Correct the keys, or have us let in."
            ) from error
        except (ImportError, ValueError) as error:
            raise Refused(f"{problem}: {self.cleaned(error)}", "Correct the url.") from error
        except (IsADirectoryError, NotADirectoryError) as error:
            raise Refused(f"{problem}: {type(error).__name__}", "Name a file.") from error
        except Exception as error:
            # Every driver has its own; what none of the above names is mostly the network.
            if isinstance(error, TypeError | AttributeError | AssertionError):
                raise
            raise Unreachable(
                f"{problem}: {type(error).__name__}: {self.cleaned(error)[:200]}",
                "See whether the store can be reached from here.",
            ) from error


def _moment(info: Any) -> datetime | None:
    value = info.get("LastModified") or info.get("mtime") or info.get("updated")
    if isinstance(value, int | float):
        from datetime import UTC

        return datetime.fromtimestamp(value, UTC)
    return value if isinstance(value, datetime) else None
