"""What an error of a storage driver means, in our own terms.

Drivers speak many tongues: errno locally, botocore's codes under s3fs's translation (a 403 becomes
a `PermissionError` without an errno, a missing bucket a `FileNotFoundError` like a missing
object), plain classes for timeouts. This module reads them once, so that the store raises
two kinds only: `StorageError`, which a person must mend, and `Transient`, which may go away.

It retries nothing: the drivers do so below (s3fs: five times on slow-down and broken connections,
on top of botocore's own), and the step's policy above.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from typing import Literal

from sdk.errors import StorageError, Transient, classify, http_status

_TAKEN = frozenset({"PreconditionFailed", "412", "BlobAlreadyExists", "conditionNotMet"})
_CONFLICT = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
_NO_BUCKET = frozenset({"NoSuchBucket", "InvalidBucketName", "ContainerNotFound"})
_NO_CREDENTIALS = frozenset(
    {"NoCredentialsError", "PartialCredentialsError", "ClientAuthenticationError"}
)


def refusal(error: BaseException) -> Literal["taken", "conflict"] | None:
    """Say why a conditional put was refused.

    Returns:
        ``taken``: an object is there. ``conflict``: another request for the same name was under
        way (S3's 409): nobody may have got it, ask again. None: it failed for another reason.
    """
    codes = set(_codes(error))
    if codes & _CONFLICT:
        return "conflict"
    if isinstance(error, FileExistsError) or codes & _TAKEN:
        return "taken"
    return None


def bucket_is_missing(error: BaseException) -> bool:
    """Say whether the root itself is not there, rather than one object."""
    return bool(set(_codes(error)) & _NO_BUCKET)


def explained(error: Exception, problem: str) -> StorageError | Transient:
    """Return the platform's error for a driver's.

    Args:
        error: the driver's.
        problem: which operation on which object failed.
    """
    codes, number = set(_codes(error)), getattr(error, "errno", None)
    names = {kind.__name__ for kind in type(error).__mro__}
    if bucket_is_missing(error):
        return StorageError(
            f"{problem}: the bucket is not there",
            "Create it, or give the storage root of one that exists.",
        )
    if names & _NO_CREDENTIALS:
        return StorageError(
            f"{problem}: no credentials", "Give this machine a role or credentials for the store."
        )
    if number in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"{problem}: no space left", "Free space or give another storage root; then run again."
        )
    if number in (errno.EOPNOTSUPP, errno.ENOSYS):
        return StorageError(
            f"{problem}: the file system cannot do that ({os.strerror(number)})",
            "Give a storage root on a file system with hard links, or in an object store.",
        )
    if isinstance(error, PermissionError) or number in (errno.EACCES, errno.EPERM, errno.EROFS):
        why = os.strerror(number) if number else str(error)
        return StorageError(
            f"{problem}: not permitted ({why})",
            "Give a storage root that this user may write, or mend its permissions.",
        )
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return StorageError(
            f"{problem}: a file stands where a folder is needed",
            "Give another storage root, or move that file away.",
        )
    if number == errno.ENAMETOOLONG:
        return StorageError(f"{problem}: the name is too long", "Give shorter names.")
    if codes and refusal(error) is None and classify(_root(error)) == "permanent":
        return StorageError(
            f"{problem}: {error}", "The store refuses this request: see its code and the settings."
        )
    return Transient(
        f"{problem}: {error or type(error).__name__}",
        "If it stays, see whether the store is reachable.",
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in seen:
        seen.append(current)
        yield current
        current = current.__cause__


def _codes(error: BaseException) -> Iterator[str]:
    """Yield the store's own codes for an error, such as ``NoSuchBucket``."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        if isinstance(response, Mapping):
            code = response.get("Error", {}).get("Code")
            if code:
                yield str(code)
        for name in ("error_code", "reason"):
            code = getattr(link, name, None)
            if isinstance(code, str):
                yield code


def _root(error: BaseException) -> BaseException:
    """Return the link of the chain that carries an HTTP status, else the error itself."""
    return next((link for link in _chain(error) if http_status(link) is not None), error)
