"""The run that a step of capture is part of."""

from __future__ import annotations

from sdk import ConfigurationError, Run, current_run


def run_of_step() -> Run:
    """Return the run.

    Raises:
        ConfigurationError: there is none: nobody is captured for.
    """
    run = current_run()
    if run is None:
        raise ConfigurationError(
            "sites are captured for nobody", "Call it from a flow made with @sdk.flow(customer=…)."
        )
    return run
