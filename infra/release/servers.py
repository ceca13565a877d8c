"""Prefect's API, asked of whichever controller answers: past the proxy, which may refuse all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import httpx

from infra.release.parts import Unanswered

PAGE: Final = 200


class Servers:
    """The controllers' API.

    Args:
        addresses: of controllers past the proxy, the one to be asked first first.
        headers: of every request.
    """

    def __init__(
        self, addresses: Callable[[], Sequence[str]], headers: Mapping[str, str] | None = None
    ) -> None:
        self._addresses = addresses
        self._client = httpx.Client(timeout=20.0, headers=dict(headers or {}))

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def deployments(self, url: str | None = None) -> dict[str, dict[str, Any]]:
        """Return every deployment, by name."""
        return {one["name"]: one for one in self.pages("/deployments/filter", {}, url)}

    def pages(
        self, path: str, asked: Mapping[str, Any], url: str | None = None
    ) -> list[dict[str, Any]]:
        """Return all that a filter finds, page after page."""
        found: list[dict[str, Any]] = []
        while True:
            body = {**asked, "limit": PAGE, "offset": len(found)}
            page = self.send("POST", path, body, url=url)
            found += page
            if len(page) < PAGE:
                return found

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        url: str | None = None,
    ) -> Any:
        """Ask the controllers in turn; the same request may be carried out twice.

        Raises:
            Unanswered: none of them answers.
            RuntimeError: the request was refused.
        """
        told = "there is no controller"
        for one in [url] if url else self._addresses():
            try:
                answer = self._client.request(method, f"{one}{path}", json=body)
            except httpx.HTTPError as error:
                told = f"{one}: {type(error).__name__} {error}"
                continue
            if answer.status_code >= 500 or answer.status_code == 429:
                told = f"{one}: {answer.status_code}"
                continue
            if answer.is_error:
                said = " ".join(answer.text.split())[:300]
                raise RuntimeError(f"{method} {path}: {answer.status_code}: {said}")
            return answer.json() if answer.content else None
        raise Unanswered(told)
