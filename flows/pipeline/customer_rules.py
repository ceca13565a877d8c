"""A customer's rules, found beside the customer's file."""

from __future__ import annotations

from pathlib import Path

from flows.pipeline.rules import NO_RULES, Rules, RulesError, read_rules
from sdk.errors import ConfigurationError


def rules_of(customer_file: str) -> Rules:
    """Return the rules of a customer: ``rules/<name>.yaml`` beside its file; none if there is none.

    Args:
        customer_file: the customer file's own ``__file__``.

    Raises:
        ConfigurationError: the rules cannot be understood, naming file and field.
    """
    home = Path(customer_file)
    path = home.parent / "rules" / f"{home.stem}.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return NO_RULES
    try:
        return read_rules(text, f"rules/{path.name}")
    except RulesError as error:
        raise ConfigurationError(error.problem, error.action) from error
