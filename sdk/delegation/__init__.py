"""Heavy steps elsewhere: as a run of their own on another queue or pool, or right here."""

from sdk.delegation.call import elsewhere

__all__ = ["elsewhere"]
