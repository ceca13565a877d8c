"""EMR and EMR Serverless: a Spark job submitted, followed, cancelled, and its log in the error.

A job that fails says little in its state; why it failed is in the log of its driver, in S3. Its
last lines are in the error, so that whoever reads the ticket need not look for them. Logs come to
S3 with a delay of minutes on EMR; where there is none yet the error says where it will be.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic.v1 import Field

from blocks.connectors.aws import AwsConnector
from blocks.connectors.base import follow
from blocks.connectors.errors import ConnectorError, Interrupted, Refused
from blocks.connectors.running import stoppable

LINES = 30
"""Last lines of a log in an error: a traceback of Python in Spark, and Spark's own words."""
CHARACTERS = 3000


@dataclass(frozen=True, slots=True)
class Job:
    """A job that succeeded: its identity over there."""

    job_id: str


class Emr(AwsConnector):
    """Steps of a running EMR cluster.

    Args:
        cluster: id of the cluster, ``j-…``.
        poll: seconds between the first looks.
    """

    _block_type_name = "EMR Cluster"
    _block_type_slug = "emr-cluster"
    policy: ClassVar[Literal["network", "warehouse"]] = "warehouse"

    cluster: str = Field(default=..., description="Id of the cluster, j-….")
    poll: float = Field(default=5.0, gt=0, description="Seconds between the first looks.")

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"EMR {self.cluster} in {self.region}"

    def run(self, name: str, arguments: Sequence[str]) -> Job:
        """Run a command as a step of the cluster; return when it has ended well.

        Args:
            name: of the step.
            arguments: ``["spark-submit", "s3://bucket/job.py", …]``, by command-runner.

        Raises:
            Refused: the step failed; the end of its log is in the error.
            Interrupted: it was cancelled.
            Unreachable: EMR is away, or the step took longer than it may.
        """
        client = self.client("emr")
        step = {
            "Name": name,
            # The cluster is others' too: a failing step leaves it and its other steps alone.
            "ActionOnFailure": "CONTINUE",
            "HadoopJarStep": {"Jar": "command-runner.jar", "Args": list(arguments)},
        }
        with self.explained("add the step"):
            answer = client.add_job_flow_steps(JobFlowId=self.cluster, Steps=[step])
        step_id = str(answer["StepIds"][0])
        seen: dict[str, Any] = {}

        def ended() -> bool:
            with self.explained(f"follow step {step_id}"):
                found = client.describe_step(ClusterId=self.cluster, StepId=step_id)
            seen.update(found["Step"]["Status"])
            return seen["State"] in ("COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED")

        def stop() -> None:
            client.cancel_steps(
                ClusterId=self.cluster,
                StepIds=[step_id],
                StepCancellationOption="TERMINATE_PROCESS",
            )

        what = f"EMR step {step_id} ({name})"
        with stoppable(what, stop):
            follow(ended, what=what, limit=self.time_limit, interval=self.poll)
        if seen["State"] != "COMPLETED":
            raise self._failed(what, step_id, seen)
        return Job(step_id)

    def _failed(self, what: str, step_id: str, seen: Mapping[str, Any]) -> ConnectorError:
        details = seen.get("FailureDetails") or {}
        reason = details.get("Message") or (seen.get("StateChangeReason") or {}).get("Message")
        said = self.cleaned(reason or details.get("Reason") or "without a reason")
        if seen["State"] in ("CANCELLED", "INTERRUPTED"):
            return Interrupted(f"{what} was {seen['State'].lower()}: {said}", "See who did.")
        with self.explained("describe the cluster"):
            cluster = self.client("emr").describe_cluster(ClusterId=self.cluster)["Cluster"]
        folder = str(cluster.get("LogUri") or "").rstrip("/").replace("s3n://", "s3://")
        log = f"{folder}/{self.cluster}/steps/{step_id}/stderr.gz" if folder else ""
        told = log_end(self, str(details.get("LogFile") or log))
        return Refused(f"{what} failed: {said}{told}", "Correct the job or what it reads.")

    def _check(self) -> str:
        client = self.client("emr")
        with self.explained("describe the cluster"):
            found = client.describe_cluster(ClusterId=self.cluster)["Cluster"]
        state = found["Status"]["State"]
        if state not in ("STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"):
            raise Refused(f"{self.where()} is {state}", "Start a cluster and name it.")
        return f"{self.where()}: the cluster is {state.lower()} and may be described"


class EmrServerless(AwsConnector):
    """Job runs of an EMR Serverless application.

    Args:
        application: id of the application.
        execution_role_arn: what its jobs may do.
        logs: folder of S3 for the jobs' logs.
        poll: seconds between the first looks.
    """

    _block_type_name = "EMR Serverless"
    _block_type_slug = "emr-serverless"
    policy: ClassVar[Literal["network", "warehouse"]] = "warehouse"

    application: str = Field(default=..., description="Id of the application.")
    execution_role_arn: str = Field(default=..., description="What its jobs may do.")
    logs: str | None = Field(default=None, description="Folder of S3 for the jobs' logs.")
    poll: float = Field(default=5.0, gt=0, description="Seconds between the first looks.")

    def where(self) -> str:
        """Return what is connected to, for logs and errors; no secrets."""
        return f"EMR Serverless {self.application} in {self.region}"

    def run(
        self,
        name: str,
        entry_point: str,
        arguments: Sequence[str] = (),
        *,
        spark: Mapping[str, str] | None = None,
    ) -> Job:
        """Run a Spark job; return when it has ended well.

        Args:
            name: of the job run.
            entry_point: ``s3://bucket/job.py`` or a jar.
            arguments: of the program.
            spark: Spark's own settings, ``{"spark.executor.memory": "8g"}``.

        Raises:
            Refused: the job failed; the end of its driver's log is in the error.
            Interrupted: it was cancelled.
            Unreachable: the service is away, or the job took longer than it may.
        """
        client = self.client("emr-serverless")
        settings = " ".join(f"--conf {key}={value}" for key, value in (spark or {}).items())
        submit: dict[str, Any] = {"entryPoint": entry_point, "entryPointArguments": list(arguments)}
        if settings:
            submit["sparkSubmitParameters"] = settings
        request: dict[str, Any] = {
            "applicationId": self.application,
            "executionRoleArn": self.execution_role_arn,
            "name": name,
            "jobDriver": {"sparkSubmit": submit},
            # The other side's own limit, should nobody be here to stop it; five at least.
            "executionTimeoutMinutes": max(5, round(self.time_limit / 60) + 1),
        }
        if self.logs:
            request["configurationOverrides"] = {
                "monitoringConfiguration": {"s3MonitoringConfiguration": {"logUri": self.logs}}
            }
        with self.explained("start the job"):
            job_id = str(client.start_job_run(**request)["jobRunId"])
        seen: dict[str, Any] = {}

        def ended() -> bool:
            with self.explained(f"follow job {job_id}"):
                found = client.get_job_run(applicationId=self.application, jobRunId=job_id)
            seen.update(found["jobRun"])
            return seen["state"] in ("SUCCESS", "FAILED", "CANCELLED")

        def stop() -> None:
            client.cancel_job_run(applicationId=self.application, jobRunId=job_id)

        what = f"EMR Serverless job {job_id} ({name})"
        with stoppable(what, stop):
            follow(ended, what=what, limit=self.time_limit, interval=self.poll)
        said = self.cleaned(seen.get("stateDetails") or "without a reason")
        if seen["state"] == "CANCELLED":
            raise Interrupted(f"{what} was cancelled: {said}", "See who did.")
        if seen["state"] == "FAILED":
            folder = f"applications/{self.application}/jobs/{job_id}/SPARK_DRIVER"
            told = log_end(self, f"{(self.logs or '').rstrip('/')}/{folder}/stderr.gz")
            raise Refused(f"{what} failed: {said}{told}", "Correct the job or what it reads.")
        return Job(job_id)

    def _check(self) -> str:
        client = self.client("emr-serverless")
        with self.explained("read the application"):
            found = client.get_application(applicationId=self.application)["application"]
        if found["state"] == "TERMINATED":
            raise Refused(f"{self.where()} is terminated", "Name another application.")
        return f"{self.where()}: the application is {found['state'].lower()} and may be read"


def log_end(block: AwsConnector, url: str) -> str:
    """Return the last lines of a log in S3 for an error's words; where it is, if it is not there.

    Never raises: the job's failure is what matters.
    """
    if not url.startswith("s3://"):
        return ""
    parts = urlsplit(url)
    try:
        found = block.client("s3").get_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"))
        data = found["Body"].read()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode(errors="replace")
    except Exception:
        return f"\nIts log will be {url}"
    lines = [block.cleaned(line) for line in text.splitlines()[-LINES:]]
    return f"\nThe end of {url}:\n" + "\n".join(lines)[-CHARACTERS:]
