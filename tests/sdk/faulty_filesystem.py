"""An object store in memory that crashes, loses answers and lies about the time, as told.

It stands for any fsspec driver whose ``pipe_file(…, mode="create")`` is exclusive, as gcsfs and
adlfs document theirs to be.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Literal

import fsspec
from fsspec.implementations.memory import MemoryFileSystem

Fault = Literal["before", "after", "lost answer", "conflict"]


class Crash(BaseException):
    """The process dies here: nothing below it is caught, and nothing runs after."""


class FaultyFileSystem(MemoryFileSystem):  # type: ignore[misc]
    """See the module."""

    protocol = "faulty"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    lock: ClassVar[threading.Lock] = threading.Lock()
    countdown: ClassVar[int | None] = None
    fault: ClassVar[Fault] = "before"
    meanwhile: ClassVar[Callable[[], None] | None] = None
    skew: ClassVar[timedelta] = timedelta()
    operations: ClassVar[int] = 0
    inside: ClassVar[bool] = False

    @classmethod
    def reset(cls) -> None:
        cls.store.clear()
        cls.pseudo_dirs[:] = [""]
        cls.disarm()
        cls.skew, cls.operations = timedelta(), 0

    @classmethod
    def arm(cls, operations: int, fault: Fault) -> None:
        """Fail at the operation after so many."""
        cls.countdown, cls.fault = operations, fault

    @classmethod
    def interrupt(cls, operations: int, meanwhile: Callable[[], None]) -> None:
        """Do something else before the operation after so many."""
        cls.countdown, cls.meanwhile = operations, meanwhile

    @classmethod
    def disarm(cls) -> None:
        cls.countdown, cls.meanwhile = None, None

    @classmethod
    def _strip_protocol(cls, path: Any) -> str:
        return str(MemoryFileSystem._strip_protocol(str(path).removeprefix("faulty://")))

    def _due(self) -> bool:
        cls = type(self)
        cls.operations += 1
        if cls.countdown is None:
            return False
        cls.countdown -= 1
        return cls.countdown < 0

    def _run(self, operation: Callable[[], Any], *, writes: bool) -> Any:
        cls = type(self)
        if cls.inside:  # one of the operations of which the memory's own is made
            return operation()

        def whole() -> Any:
            cls.inside = True
            try:
                return operation()
            finally:
                cls.inside = False

        return self._disturbed(whole, writes=writes)

    def _disturbed(self, operation: Callable[[], Any], *, writes: bool) -> Any:
        if not self._due():
            return operation()
        meanwhile = type(self).meanwhile
        self.disarm()
        if meanwhile is not None:
            meanwhile()
            return operation()
        if self.fault == "after" or (self.fault == "lost answer" and writes):
            with contextlib.suppress(OSError):
                operation()
        if self.fault == "conflict" and writes:
            error = OSError("conflict")
            error.response = {"Error": {"Code": "ConditionalRequestConflict"}}  # type: ignore[attr-defined]
            raise error
        if self.fault in ("lost answer", "conflict"):
            raise TimeoutError("no answer")
        raise Crash

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        def write() -> None:
            with self.lock:
                MemoryFileSystem.pipe_file(self, path, value, mode=mode)
                made = self.store[self._strip_protocol(path)]
                made.created = made.modified = datetime.now(UTC) + self.skew

        self._run(write, writes=True)

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        return self._run(lambda: MemoryFileSystem.cat_file(self, path), writes=False)

    def ls(self, path: str, *args: Any, **kwargs: Any) -> Any:
        return self._run(lambda: MemoryFileSystem.ls(self, path, *args, **kwargs), writes=False)

    def info(self, path: str, **kwargs: Any) -> Any:
        return self._run(lambda: MemoryFileSystem.info(self, path), writes=False)

    def find(self, path: str, *args: Any, **kwargs: Any) -> Any:
        return self._run(lambda: MemoryFileSystem.find(self, path, *args, **kwargs), writes=False)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        self._run(lambda: MemoryFileSystem.cp_file(self, path1, path2), writes=True)

    def rm_file(self, path: str) -> None:
        self._run(lambda: MemoryFileSystem.rm_file(self, path), writes=True)


fsspec.register_implementation("faulty", FaultyFileSystem, clobber=True)
