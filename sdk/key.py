"""Run keys: which customer's which dataset of which day.

Apart from `sdk.dataset`, since manifests name the keys of their inputs.
"""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict


class DatasetKey(BaseModel):
    """The run key: which customer's which dataset of which day."""

    model_config = ConfigDict(frozen=True)

    customer: str
    name: str
    day: date

    def __str__(self) -> str:
        return f"{self.customer}/{self.name}/{self.day}"
