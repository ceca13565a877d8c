"""The flow whose start is measured: it does nothing."""

from prefect import flow


@flow
def nothing() -> None:
    """Do nothing."""
