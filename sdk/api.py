"""Prefect's REST API in plain requests, for processes that should not carry Prefect.

Importing Prefect takes seconds and two hundred megabytes; a watch, a reconciler, or the first
moments of a run need six requests. A request is sent again while the server does not answer or
answers that it cannot (502, 503, 504, 429), as long as it is told to be patient: every request
here may be sent twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import httpx
import tenacity

from sdk.errors import ConfigurationError, Permanent, Transient

PAGE = 200
"""Things asked for at a time: the most that Prefect's API gives."""
TIMEOUT = 30.0
LONGEST_PAUSE = 10.0
UNAVAILABLE = frozenset({408, 429, 502, 503, 504})


class Refused(Permanent):
    """The server understood, and will not.

    Args:
        problem: what was asked, and the answer.
        status: of HTTP.
    """

    def __init__(self, problem: str, status: int) -> None:
        super().__init__(problem, "See the server's log; client and server may be of two versions.")
        self.status = status

    def __reduce__(self) -> tuple[object, ...]:
        return (type(self), (self.problem, self.status))


class Unreachable(Transient):
    """The server does not answer, or says that it cannot."""


class Api:
    """A server's API; a context manager.

    Args:
        url: such as ``http://127.0.0.1:4200/api``.
        key: of machines, where a proxy asks for one.
        patience: seconds for which a request is sent again; 0 for one attempt.
        timeout: seconds of one attempt.
    """

    def __init__(
        self, url: str, key: str | None = None, *, patience: float = 0, timeout: float = TIMEOUT
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url, self.patience = url.rstrip("/"), patience
        # Not the proxy of the environment: the server is the platform's own.
        self._client = httpx.Client(
            base_url=self.url, headers=headers, timeout=timeout, trust_env=False
        )

    @classmethod
    def of_environment(cls, *, patience: float = 0) -> Api:
        """Return the API that Prefect's own settings in the environment name.

        Raises:
            ConfigurationError: they name none.
        """
        url = os.environ.get("PREFECT_API_URL")
        if not url:
            raise ConfigurationError("no Prefect server is named", "Set PREFECT_API_URL.")
        return cls(url, os.environ.get("PREFECT_API_KEY"), patience=patience)

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        """Return what is at a path."""
        return self.send("GET", path, query=query)

    def post(self, path: str, body: Any = None) -> Any:
        """Send to a path; return the answer."""
        return self.send("POST", path, body)

    def patch(self, path: str, body: Any) -> Any:
        """Change what is at a path."""
        return self.send("PATCH", path, body)

    def pages(self, path: str, body: dict[str, Any]) -> Iterator[Any]:
        """Yield everything that a filter finds; sorted by the caller, or pages may overlap."""
        offset = 0
        while True:
            page = self.post(path, {**body, "limit": PAGE, "offset": offset})
            yield from page
            offset += len(page)
            if len(page) < PAGE:
                return

    def set_state(self, run: str, state: dict[str, Any]) -> bool:
        """Force a flow run into a state; say whether the server accepted it."""
        answer = self.post(f"/flow_runs/{run}/set_state", {"state": state, "force": True})
        return bool(answer["status"] == "ACCEPT")

    def send(
        self, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None
    ) -> Any:
        """Send a request; return the answer's JSON, or None where it has none.

        Raises:
            Refused: the server will not.
            Unreachable: it does not answer.
        """
        trying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(Unreachable),
            wait=tenacity.wait_random_exponential(max=LONGEST_PAUSE),
            stop=tenacity.stop_after_delay(self.patience),
            reraise=True,
        )
        return trying(self._send_once, method, path, body, query or None)

    def _send_once(self, method: str, path: str, body: Any, query: Any) -> Any:
        try:
            answer = self._client.request(method, path, json=body, params=query)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"the Prefect server at {self.url} does not answer ({type(error).__name__})",
                "See whether it runs, and PREFECT_API_URL.",
            ) from error
        if answer.status_code in UNAVAILABLE:
            raise Unreachable(
                f"the Prefect server at {self.url} answers {answer.status_code}",
                "See its log and its database.",
            )
        if answer.is_error:
            said = " ".join(answer.text.split())[:300]
            raise Refused(f"{method} {path}: {answer.status_code} {said}", answer.status_code)
        return answer.json() if answer.content else None
