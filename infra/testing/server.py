"""The group behind AWS's own protocols, over HTTP: what boto3 and a machine's agent talk to.

Auto Scaling's and EC2's Query protocols for the few actions that the autoscaler and the drain agent
use, and the instance metadata service under ``/<instance id>/latest/``. A real boto3 client
serialises the requests and parses the answers, so shapes are checked by botocore's own models.

It can misbehave as the service does: refuse every n-th request (`throttle_every`), and answer
descriptions from before the last change (`stale_reads`). Time is given by `clock`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from infra.testing.group import AutoScalingGroup, LifecycleError, LifecycleState

LAUNCH_HOOK: Final = "boot"
"""A completion of this hook is a launch's; of any other, a termination's."""


@dataclass
class Misbehaviour:
    """What goes wrong.

    Attributes:
        throttle_every: every n-th request is refused with Throttling; 0 for none.
        stale_reads: how many descriptions after a change still show what was before.
    """

    throttle_every: int = 0
    stale_reads: int = 0


@dataclass
class _Shown:
    """An instance as a description shows it."""

    id: str
    state: LifecycleState
    launched_at: float
    protected: bool


@dataclass
class GroupServer:
    """Serves one group on a free loopback port; a context manager.

    Attributes:
        group: the group, to be used under `lock`.
        clock: seconds since the epoch.
        misbehaviour: may be changed at any time.
        tags: by instance.
        spot: instances with a spot interruption notice, and when they will be reclaimed.
        requests: every action that was served, in order.
    """

    group: AutoScalingGroup
    clock: Callable[[], float]
    misbehaviour: Misbehaviour = field(default_factory=Misbehaviour)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    spot: dict[str, float] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._served = 0
        self._shown: list[_Shown] = []
        self._stale_left = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                status, text = owner._query(dict(parse_qsl(body)))
                self._answer(status, text, "text/xml")

            def do_PUT(self) -> None:
                self._answer(200, "token", "text/plain")

            def do_GET(self) -> None:
                status, text = owner._metadata(self.path)
                self._answer(status, text, "text/plain")

            def _answer(self, status: int, text: str, kind: str) -> None:
                data = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *args: object) -> None:
                return

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> GroupServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def _query(self, call: Mapping[str, str]) -> tuple[int, str]:
        action = call.get("Action", "")
        with self.lock:
            self._served += 1
            every = self.misbehaviour.throttle_every
            if every and self._served % every == 0:
                return _error(400, "Throttling", "Rate exceeded")
            self.requests.append(action)
            now = self.clock()
            self.group.advance(now)
            try:
                return 200, self._act(action, call, now)
            except LifecycleError as error:
                return _error(400, "ValidationError", str(error))

    def _act(self, action: str, call: Mapping[str, str], now: float) -> str:
        instance = call.get("InstanceId", "")
        if action == "DescribeAutoScalingGroups":
            return _wrap(action, self._describe_group())
        if action == "DescribeInstances":
            return self._describe_instances(call)
        self._remember()
        if action == "SetDesiredCapacity":
            self.group.set_desired(int(call["DesiredCapacity"]), now)
        elif action == "TerminateInstanceInAutoScalingGroup":
            decrement = call["ShouldDecrementDesiredCapacity"] == "true"
            self.group.terminate(instance, now, decrement=decrement)
        elif action == "CompleteLifecycleAction":
            arrived = call["LifecycleHookName"] == LAUNCH_HOOK
            (self.group.arrive if arrived else self.group.complete)(instance, now)
        elif action == "RecordLifecycleActionHeartbeat":
            self.group.heartbeat(instance, now)
        elif action == "CreateTags":
            return self._create_tags(call)
        else:
            raise LifecycleError(f"{action} is not served here")
        return _wrap(action, "")

    def _remember(self) -> None:
        self._shown = self._seen()
        self._stale_left = self.misbehaviour.stale_reads

    def _seen(self) -> list[_Shown]:
        return [
            _Shown(one.id, one.state, one.launched_at, one.protected)
            for one in self.group.instances.values()
        ]

    def _describe_group(self) -> str:
        seen = self._seen()
        if self._stale_left > 0:
            self._stale_left -= 1
            seen = self._shown
        members = "".join(
            f"<member><InstanceId>{one.id}</InstanceId>"
            f"<LifecycleState>{one.state}</LifecycleState><HealthStatus>Healthy</HealthStatus>"
            "<AvailabilityZone>eu-central-1a</AvailabilityZone>"
            f"<ProtectedFromScaleIn>{str(one.protected).lower()}</ProtectedFromScaleIn></member>"
            for one in seen
        )
        group = self.group
        return (
            "<AutoScalingGroups><member>"
            f"<AutoScalingGroupName>{escape(group.name)}</AutoScalingGroupName>"
            f"<MinSize>{group.minimum}</MinSize><MaxSize>{group.maximum}</MaxSize>"
            f"<DesiredCapacity>{group.desired}</DesiredCapacity>"
            f"<Instances>{members}</Instances></member></AutoScalingGroups>"
        )

    def _describe_instances(self, call: Mapping[str, str]) -> str:
        wanted = {value for key, value in call.items() if key.startswith("InstanceId.")}
        items = ""
        for one in self.group.instances.values():
            if one.id not in wanted:
                continue
            launched = datetime.fromtimestamp(one.launched_at, UTC).isoformat()
            tags = "".join(
                f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>"
                for key, value in sorted(self.tags.get(one.id, {}).items())
            )
            shown = f"<instanceId>{one.id}</instanceId><launchTime>{launched}</launchTime>"
            shown = f"<item>{shown}<tagSet>{tags}</tagSet></item>"
            items += f"<item><instancesSet>{shown}</instancesSet></item>"
        return (
            "<DescribeInstancesResponse><requestId>r</requestId>"
            f"<reservationSet>{items}</reservationSet></DescribeInstancesResponse>"
        )

    def _create_tags(self, call: Mapping[str, str]) -> str:
        instances = [value for key, value in call.items() if key.startswith("ResourceId.")]
        number = 1
        while f"Tag.{number}.Key" in call:
            for instance in instances:
                tags = self.tags.setdefault(instance, {})
                tags[call[f"Tag.{number}.Key"]] = call.get(f"Tag.{number}.Value", "")
            number += 1
        return "<CreateTagsResponse><return>true</return></CreateTagsResponse>"

    def _metadata(self, path: str) -> tuple[int, str]:
        _, instance_id, _, *rest = path.split("/")
        name = "/".join(rest).removeprefix("meta-data/")
        with self.lock:
            self.group.advance(self.clock())
            instance = self.group.instances.get(instance_id)
            leaving = instance is None or not instance.counts
            if name == "autoscaling/target-lifecycle-state":
                return 200, "Terminated" if leaving else "InService"
            if name.startswith("tags/instance/"):
                value = self.tags.get(instance_id, {}).get(name.removeprefix("tags/instance/"))
                return (200, value) if value is not None else (404, "")
            if name == "spot/instance-action" and instance_id in self.spot:
                at = datetime.fromtimestamp(self.spot[instance_id], UTC)
                stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
                return 200, f'{{"action": "terminate", "time": "{stamp}"}}'
        return 404, ""


def _wrap(action: str, result: str) -> str:
    return (
        f'<{action}Response xmlns="http://autoscaling.amazonaws.com/doc/2011-01-01/">'
        f"<{action}Result>{result}</{action}Result>"
        f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{action}Response>"
    )


def _error(status: int, code: str, message: str) -> tuple[int, str]:
    return status, (
        f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>"
        f"<Message>{escape(message)}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
    )
