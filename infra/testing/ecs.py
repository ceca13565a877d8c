"""ECS on this machine: moto's API over HTTP, and an agent that really runs what a task says.

moto keeps clusters, definitions and tasks, and answers as AWS's own models say; it runs nothing. In
front of it stands this: a task begins PROVISIONING, is RUNNING when its container's process is
there, and STOPPED when that has ended, with its exit code; StopTask sends SIGTERM, and SIGKILL
after the container's grace. A real Prefect worker, boto3 and our own reconciler talk to it.

    with Ecs(folder, image={"PATH": …}, code=ROOT) as ecs:
        environ |= ecs.environ          # of a worker: where AWS is
        ecs.capacity = 0                # nothing is placed any more: tasks stay PROVISIONING

Two of the service's ways that moto leaves out are here too: a task that needs more than any machine
has is not made (`largest`), and a task that nobody knows is described as MISSING.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from infra.testing.containers import Container

REGION: Final = "eu-central-1"
ACCOUNT: Final = "123456789012"
LOOK: Final = 0.1
"""Seconds between two looks of the agent."""
RUN_TAG: Final = "prefect.io/flow-run-id"
GRACE: Final = 30.0
"""ECS's own default for a container without a stopTimeout."""
NEVER: Final = 10**9


@dataclass
class Ecs:
    """A region's ECS, with Secrets Manager beside it; a context manager.

    Attributes:
        folder: for what containers write, a file for each task.
        image: environment that the image gives.
        code: where the image has the code.
        capacity: tasks that run at a time; others wait PROVISIONING.
        largest: MiB of the largest machine.
        grace: seconds at most from SIGTERM to SIGKILL, whatever a definition says.
    """

    folder: Path
    image: Mapping[str, str]
    code: Path
    capacity: int = 100
    largest: int = 16384
    grace: float = GRACE
    containers: dict[str, Container] = field(default_factory=dict)
    environments: dict[str, dict[str, str]] = field(default_factory=dict)

    def __enter__(self) -> Ecs:
        import httpx
        from moto.moto_api import state_manager
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
        from werkzeug.serving import make_server

        self.lock, self._end = threading.RLock(), threading.Event()
        self._known: set[str] = set()
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True,
                                   request_handler=_quiet_handler())  # fmt: skip
        self._threads = [
            threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True),
            threading.Thread(target=self._run, daemon=True),
        ]
        self._threads[0].start()
        # What another server of this process was told, this one still knows.
        httpx.post(f"{self.url}/moto-api/reset", trust_env=False).raise_for_status()
        # A task's way is this agent's: moto would go a step at each description.
        state_manager.set_transition("ecs::task", {"progression": "manual", "times": NEVER})
        self._threads[1].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        from moto.moto_api import state_manager

        self._end.set()
        self._threads[1].join()
        for container in self.containers.values():
            container.end()
        self._server.shutdown()
        self._server.server_close()
        self._threads[0].join()
        state_manager.unset_transition("ecs::task")

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def environ(self) -> dict[str, str]:
        """Where AWS is, for a process that asks it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "nobody",
            "AWS_SECRET_ACCESS_KEY": "nothing",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of a service here."""
        import boto3

        return boto3.client(  # type: ignore[call-overload]
            service, endpoint_url=self.url, region_name=REGION,
            aws_access_key_id="nobody", aws_secret_access_key="nothing",  # noqa: S106
        )  # fmt: skip

    def task_of(self, run: str) -> str | None:
        """Return the ARN of a flow run's latest task; None if it has none."""
        found = None
        with self.lock:
            for task in self._tasks():
                if {"key": RUN_TAG, "value": run} in task.tags:
                    found = str(task.task_arn)
        return found

    def container_of(self, run: str) -> Container | None:
        """Return the container of a flow run's latest task; None before it was placed."""
        return self.containers.get(self.task_of(run) or "")

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        from werkzeug.wrappers import Request, Response

        target = str(environ.get("HTTP_X_AMZ_TARGET", ""))
        action = target.rpartition(".")[2] if "ContainerService" in target else ""
        if action not in {"RunTask", "StopTask", "DescribeTasks"}:
            return self._moto(environ, start_response)  # type: ignore[no-any-return]
        asked = json.loads(Request(environ).get_data(cache=True) or b"{}")
        with self.lock:
            if action == "RunTask" and self._needs(asked) > self.largest:
                refused = {"tasks": [], "failures": [{"reason": "RESOURCE:MEMORY"}]}
                answer = Response(json.dumps(refused), mimetype="application/x-amz-json-1.1")
                return answer(environ, start_response)
            answer = Response.from_app(self._moto, _again(environ, asked), buffered=True)
            self._settle(action, asked)
            if action == "DescribeTasks" and answer.status_code == 200:
                answer.set_data(_with_missing(answer.get_data(), asked))
        return answer(environ, start_response)

    def _needs(self, asked: Mapping[str, Any]) -> int:
        return int(asked.get("overrides", {}).get("memory") or 0)

    def _settle(self, action: str, asked: Mapping[str, Any]) -> None:
        """Make of a task what the service would have made of it."""
        for task in self._tasks():
            if task.task_arn not in self._known:
                self._known.add(task.task_arn)
                task.last_status = "PROVISIONING"
                task.containers[0].exitCode = None
            elif action == "StopTask" and str(asked["task"]).endswith(task.id):
                container = self.containers.get(task.task_arn)
                if container is not None and task.containers[0].exitCode is None:
                    task.last_status = "RUNNING"  # until its process has ended
                    container.stop()
                task.stopCode = "UserInitiated"

    def _tasks(self) -> list[Any]:
        from moto.ecs.models import ecs_backends

        backend = ecs_backends[ACCOUNT][REGION]
        return [task for tasks in backend.tasks.values() for task in tasks.values()]

    def _run(self) -> None:
        while not self._end.wait(LOOK):
            with self.lock:
                running = 0
                for task in self._tasks():
                    running += self._advance(task, running)

    def _advance(self, task: Any, running: int) -> bool:
        """Take a task a step further; say whether it takes a place."""
        container = self.containers.get(task.task_arn)
        if container is not None and task.last_status == "RUNNING":
            code = container.exit_code()
            if code is None:
                return True
            told = task.containers[0]
            told.exitCode, told.last_status, task.last_status = code, "STOPPED", "STOPPED"
            task.desired_status = "STOPPED"
            task.stopCode = getattr(task, "stopCode", None) or "EssentialContainerExited"
            task.stopped_reason = task.stopped_reason or "Essential container in task exited"
        elif task.last_status == "PROVISIONING" and running < self.capacity:
            self._place(task)
            return True
        return False

    def _place(self, task: Any) -> None:
        from moto.ecs.models import ecs_backends

        backend = ecs_backends[ACCOUNT][REGION]
        definition = backend.describe_task_definition(task.task_definition_arn)
        image: dict[str, Any] = definition.container_definitions[0]
        said: dict[str, Any] = next(iter((task.overrides or {}).get("containerOverrides", ())), {})
        environ = {**self.image, **_pairs(image.get("environment")), **self._secrets(image)}
        environ |= _pairs(said.get("environment"))
        # Two hosts never have one name: the container's is its task's.
        environ["HOSTNAME"] = task.id
        self.environments[task.task_arn] = environ
        self.containers[task.task_arn] = Container(
            said.get("command") or image["command"], environ, self.folder / f"{task.id}.log",
            self.code, min(self.grace, float(image.get("stopTimeout") or GRACE)),
        )  # fmt: skip
        task.last_status = task.containers[0].last_status = "RUNNING"

    def _secrets(self, image: Mapping[str, Any]) -> dict[str, str]:
        from moto.secretsmanager.models import secretsmanager_backends

        vault = secretsmanager_backends[ACCOUNT][REGION]
        found = {}
        for secret in image.get("secrets") or ():
            value = vault.get_secret_value(secret["valueFrom"], "", "")
            found[secret["name"]] = str(value["SecretString"])
        return found


def _pairs(given: Iterable[Mapping[str, str]] | None) -> dict[str, str]:
    return {pair["name"]: pair["value"] for pair in given or ()}


def _again(environ: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return a request whose body was read, to be read again."""
    import io

    body = json.dumps(asked).encode()
    return {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}


def _with_missing(answer: bytes, asked: Mapping[str, Any]) -> bytes:
    found = json.loads(answer)
    known = {task["taskArn"] for task in found["tasks"]}
    missing = [arn for arn in asked["tasks"] if not any(arn in one for one in known)]
    found["failures"] = [{"arn": arn, "reason": "MISSING"} for arn in missing]
    return json.dumps(found).encode()


def _quiet_handler() -> type[Any]:
    from moto.moto_server.werkzeug_app import MotoRequestHandler

    class Quiet(MotoRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_request(self, *args: object, **kwargs: object) -> None:
            return

    return Quiet
