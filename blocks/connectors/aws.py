"""What connectors to AWS have in common: who we are there, and what its refusals mean.

Without keys boto3 finds credentials as it always does: the role of the task or machine, which is
what production uses. A role to assume may come on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic.v1 import Field, SecretStr

from blocks.connectors.base import Connector, library
from blocks.connectors.errors import ConnectorError, Refused, Unreachable

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "SlowDown",
        "ServiceUnavailable",
        "InternalServerError",
        "InternalFailure",
        "InternalServerException",
        "RequestTimeout",
        "ExpiredToken",
        "ExpiredTokenException",
    }
)
"""Codes after which a later request may go through; an expired token is fetched anew by then."""
NOT_LET_IN = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "IncompleteSignature",
        "AuthFailure",
    }
)


class AwsConnector(Connector):
    """What connectors to AWS have in common.

    Args:
        region: of the service.
        access_key_id: none to use the role of the task or machine.
        secret_access_key: of the access key.
        session_token: of temporary keys.
        role_arn: a role to assume on top.
        endpoint_url: another address than AWS's own.
    """

    region: str = Field(default=..., description="Region of the service.")
    access_key_id: str | None = Field(
        default=None, description="Access key; none to use the role of the task or machine."
    )
    secret_access_key: SecretStr | None = Field(
        default=None, description="Secret of the access key."
    )
    session_token: SecretStr | None = Field(default=None, description="Of temporary keys.")
    role_arn: str | None = Field(default=None, description="A role to assume on top.")
    endpoint_url: str | None = Field(default=None, description="Another address than AWS's own.")

    def client(self, service: str) -> Any:
        """Return a boto3 client; what is throttled it asks again twice by itself."""
        boto3 = library("boto3")
        config = library("botocore.config").Config(
            connect_timeout=min(self.timeout, 10),
            read_timeout=self.timeout,
            retries={"mode": "standard", "total_max_attempts": 3},
        )
        session = boto3.session.Session(**self._keys(), region_name=self.region)
        if self.role_arn:
            sts = session.client("sts", config=config, endpoint_url=self.endpoint_url)
            given = sts.assume_role(RoleArn=self.role_arn, RoleSessionName="dataweave")
            keys = given["Credentials"]
            session = boto3.session.Session(
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
                region_name=self.region,
            )
        return session.client(service, config=config, endpoint_url=self.endpoint_url)

    def storage_options(self) -> dict[str, Any]:
        """Return what s3fs needs to be let in as this connector is; a role is the client's."""
        options: dict[str, Any] = {"client_kwargs": {"region_name": self.region}}
        if self.endpoint_url:
            options["endpoint_url"] = self.endpoint_url
        if self.access_key_id and self.secret_access_key:
            options["key"] = self.access_key_id
            options["secret"] = self.secret_access_key.get_secret_value()
        if self.session_token:
            options["token"] = self.session_token.get_secret_value()
        return options

    def _keys(self) -> dict[str, Any]:
        if not self.access_key_id or not self.secret_access_key:
            return {}
        token = self.session_token
        return {
            "aws_access_key_id": self.access_key_id,
            "aws_secret_access_key": self.secret_access_key.get_secret_value(),
            "aws_session_token": token.get_secret_value() if token else None,
        }

    @contextmanager
    def explained(self, doing: str) -> Iterator[None]:
        """Make what boto3 raises in the body one of our errors.

        Args:
            doing: what the body does, for the words: "start the query".
        """
        exceptions = library("botocore.exceptions")
        try:
            yield
        except ConnectorError:
            raise
        except exceptions.ClientError as error:
            raise self._answered(error, doing) from error
        except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
            raise Refused(
                f"{self.where()}: cannot {doing}: no credentials",
                "Give the block keys, or the task a role.",
            ) from error
        except exceptions.ParamValidationError as error:
            raise Refused(
                f"{self.where()}: cannot {doing}: {self.cleaned(error)}", "Correct the call."
            ) from error
        except (exceptions.BotoCoreError, OSError) as error:
            raise Unreachable(
                f"{self.where()}: cannot {doing}: {type(error).__name__}",
                "See whether the service can be reached from here.",
            ) from error

    def _answered(self, error: Any, doing: str) -> ConnectorError:
        answer = error.response
        code = str(answer.get("Error", {}).get("Code", ""))
        said = self.cleaned(answer.get("Error", {}).get("Message", ""))
        status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        problem = f"{self.where()}: cannot {doing}: {code}: {said}"
        if code in THROTTLED or status >= 500 or status == 429:
            return Unreachable(problem, "It is busy or away; it is asked again.")
        if code in NOT_LET_IN or status in (401, 403):
            return Refused(problem, "Correct the keys, or grant the role what it lacks.")
        return Refused(problem, "Correct what is asked for.")
