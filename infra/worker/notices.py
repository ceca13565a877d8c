"""What is wanted of this machine, from its own instance metadata.

Three of its entries: ``autoscaling/target-lifecycle-state`` (Terminated while a termination hook
waits), ``spot/instance-action`` (two minutes before a spot machine is reclaimed), and the cordon
tag. Metadata needs no queue, no permission and no API quota, and each machine reads of itself
alone; a message on a queue that all machines share would be taken by the wrong one. The hook's
EventBridge event remains of use to people and alarms.

No answer means no change: a machine is not drained because its metadata was slow once.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

import httpx

from infra.worker.plan import Notice

METADATA: Final = "http://169.254.169.254"
"""The link-local address of the instance metadata service."""

CORDON_TAG: Final = "worker-cordon"
"""As the autoscaler sets it; the launch template must allow tags in metadata."""

TOKEN_SECONDS: Final = 300
"""Of a metadata token's life; one is asked for at every look, so any will do."""


class Metadata:
    """Reads the notice of this machine.

    Args:
        client: with the base URL of the metadata service and a timeout of a second or two.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def instance_id(self) -> str:
        """Return this machine's id.

        Raises:
            httpx.HTTPError: the metadata service did not answer.
        """
        answer = self._client.get("/latest/meta-data/instance-id", headers=self._token())
        answer.raise_for_status()
        return answer.text

    def read(self) -> Notice | None:
        """Return what is wanted, or None if the metadata service did not say."""
        try:
            token = self._token()
            target = self._get("autoscaling/target-lifecycle-state", token)
            spot = self._get("spot/instance-action", token)
            cordon = self._get(f"tags/instance/{CORDON_TAG}", token)
            until = None if spot is None else _time_of(spot)
        except (httpx.HTTPError, ValueError):
            return None
        hooked = target == "Terminated"
        if hooked or until is not None:
            return Notice("terminate", until, hooked)
        return Notice("cordon" if cordon == "yes" else "work")

    def _token(self) -> dict[str, str]:
        answer = self._client.put(
            "/latest/api/token",
            headers={"X-aws-ec2-metadata-token-ttl-seconds": str(TOKEN_SECONDS)},
        )
        answer.raise_for_status()
        return {"X-aws-ec2-metadata-token": answer.text}

    def _get(self, name: str, token: dict[str, str]) -> str | None:
        answer = self._client.get(f"/latest/meta-data/{name}", headers=token)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        answer.raise_for_status()
        return answer.text


def _time_of(action: str) -> float:
    """Return the time of a spot notice.

    Raises:
        ValueError: it is no notice; JSONDecodeError is one.
    """
    body = json.loads(action)
    if not isinstance(body, dict) or "time" not in body:
        raise ValueError(f"no spot notice: {action[:200]!r}")
    return datetime.fromisoformat(str(body["time"])).timestamp()
