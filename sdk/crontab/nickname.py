"""The words that stand for five fields: `@daily` and its kind, and those that cannot be one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from sdk.crontab.problem import Refusal, excerpt

NICKNAMES: Mapping[str, tuple[str, str, str, str, str]] = MappingProxyType(
    {
        "@yearly": ("0", "0", "1", "1", "*"),
        "@annually": ("0", "0", "1", "1", "*"),
        "@monthly": ("0", "0", "1", "*", "*"),
        "@weekly": ("0", "0", "*", "*", "0"),
        "@daily": ("0", "0", "*", "*", "*"),
        "@midnight": ("0", "0", "*", "*", "*"),
        "@hourly": ("0", "*", "*", "*", "*"),
    }
)


def read_nickname(nickname: str) -> tuple[str, str, str, str, str]:
    """Return the five fields for which a nickname stands.

    Args:
        nickname: the word, with its sign.

    Raises:
        Refusal: it stands for no five fields.
    """
    if nickname in NICKNAMES:
        return NICKNAMES[nickname]
    raise _unknown(nickname)


def _unknown(nickname: str) -> Refusal:
    if nickname == "@reboot":
        return Refusal(
            "time",
            "@reboot runs when a machine starts, and a deployment has no machine of its own",
            "Start it with the machine that needs it (systemd), or give it a time.",
        )
    if nickname == "@once":
        return Refusal(
            "time",
            "@once is a scheduler's word for 'no schedule', not a time of cron's",
            "Deploy the script without a schedule, and run it by hand.",
        )
    if nickname.lower() in NICKNAMES:
        return Refusal(
            "time",
            f"cron knows {nickname.lower()} in small letters only",
            f"Write {nickname.lower()}.",
        )
    return Refusal(
        "time",
        f"cron knows no {excerpt(nickname, 40)}",
        "Write five fields, or one of " + ", ".join(NICKNAMES) + ".",
    )
