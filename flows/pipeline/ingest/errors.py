"""Errors of ingest: each names the file, and where it can the row and the field, in two lines."""

from __future__ import annotations


class IngestError(ValueError):
    """An input cannot be used.

    Args:
        problem: what is wrong, naming the thing.
        action: what to do about it.
        file: the file's name, where it is about one.
        field: the column or header, where it is about one.
    """

    def __init__(self, problem: str, action: str, *, file: str = "", field: str = "") -> None:
        super().__init__(f"{problem}\n{action}")
        self.problem = problem
        self.action = action
        self.file = file
        self.field = field


class SourceMissing(IngestError):
    """There is no such folder, URL or file."""


class SourceUnreadable(IngestError):
    """The source is there and cannot be listed or read."""


class SourceUnavailable(IngestError):
    """The source does not answer at the moment: trying again may help, leaving it out may not."""


class NoRoom(SourceUnavailable):
    """The disk has no room for what a file unpacks to."""


class NoFilesForDay(IngestError):
    """The source has no file of that day."""


class UnknownLayout(IngestError):
    """The headers of a file are those of no known layout."""


class AmbiguousHeader(IngestError):
    """A column that is needed is there more than once."""


class UnreadableFile(IngestError):
    """A file cannot be decompressed or decoded at all."""


class BadLayout(IngestError):
    """A layout file does not say what it must."""
