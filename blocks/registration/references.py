"""What a declared value may refer to instead of holding it.

    {env: SLACK_BOT_TOKEN}                     an environment variable
    {env: JIRA_USER, default: null}            the same, with a default (not for secrets)
    {secret: dataweave/production/slack}       Secrets Manager, by name or ARN
    {secret: dataweave/jira, key: token}       one value of a secret that is a JSON object
    {document: slack-credentials/notices}      another declared document

A mapping with exactly such keys is a reference; any other mapping is a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_FORMS = ({"env"}, {"env", "default"}, {"secret"}, {"secret", "key"}, {"document"})


class ReferenceFault(Exception):
    """A reference that leads nowhere: what is wrong, and what to do."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.advice = advice


@dataclass(frozen=True, slots=True)
class Sources:
    """Where references lead.

    Attributes:
        environ: the environment variables.
        secret: returns a secret's text by name or ARN; raises `ReferenceFault`.
    """

    environ: Mapping[str, str]
    secret: Callable[[str], str]

    def resolve(self, value: Any) -> Any:
        """Return a value with its references replaced by what they lead to.

        Raises:
            ReferenceFault: one leads nowhere, or to a document (which is no value).
        """
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if not is_reference(value):
            return {key: self.resolve(item) for key, item in value.items()}
        if "env" in value:
            return self._variable(value)
        if "secret" in value:
            return self._secret(str(value["secret"]), value.get("key"))
        raise ReferenceFault(
            f"refers to the document {value['document']} inside a value",
            "A document can only be the whole of a field.",
        )

    def _variable(self, value: Mapping[str, Any]) -> Any:
        name = str(value["env"])
        # An empty variable is a forgotten one: no field of a block is meant to be "".
        if self.environ.get(name):
            return self.environ[name]
        if "default" in value:
            return value["default"]
        raise ReferenceFault(
            f"the environment variable {name} is not set", f"Set {name} and run it again."
        )

    def _secret(self, name: str, key: Any) -> Any:
        text = self.secret(name)
        if key is None:
            return text
        try:
            return json.loads(text)[str(key)]
        except (ValueError, KeyError, TypeError) as error:
            raise ReferenceFault(
                f"the secret {name} is no JSON object with the key {key}",
                "Correct the key, or leave it out where the secret is the value itself.",
            ) from error


def is_reference(value: object) -> bool:
    """Say whether a declared value is a reference."""
    return isinstance(value, dict) and set(value) in _FORMS


def hidden(value: object) -> bool:
    """Say whether a declared value keeps a secret out of the file: no text, no default."""
    return is_reference(value) and isinstance(value, dict) and "default" not in value


def document(value: object) -> str | None:
    """Return which document a declared value refers to, if it does."""
    if isinstance(value, dict) and set(value) == {"document"}:
        return str(value["document"])
    return None


class SecretsManager:
    """Secrets of AWS Secrets Manager, each read once. boto3 is imported when one is asked for."""

    def __init__(self) -> None:
        self._read: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """Return a secret's text by name or ARN.

        Raises:
            ReferenceFault: it cannot be read.
        """
        if name not in self._read:
            self._read[name] = self._fetch(name)
        return self._read[name]

    def _fetch(self, name: str) -> str:
        try:
            import boto3
            from botocore.exceptions import BotoCoreError, ClientError
        except ImportError as error:
            raise ReferenceFault(
                f"the secret {name} needs boto3, which is not installed",
                "Install the project with the extra 's3' or 'infra'.",
            ) from error
        try:
            answer = boto3.client("secretsmanager").get_secret_value(SecretId=name)
            return str(answer["SecretString"])
        except KeyError as error:
            raise ReferenceFault(f"the secret {name} is binary", "Store it as text.") from error
        except (BotoCoreError, ClientError) as error:
            raise ReferenceFault(
                f"the secret {name} cannot be read: {error}",
                "Check its name, the region, and the right secretsmanager:GetSecretValue.",
            ) from error
