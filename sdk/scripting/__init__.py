"""Scripts as steps: a customer's own shell, Python or SQL file, unchanged, with a contract."""

from sdk.scripting.file_step import script

__all__ = ["script"]
