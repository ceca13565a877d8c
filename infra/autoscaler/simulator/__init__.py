"""The real policy against the usual ones, in a simulated world that goes wrong.

`python -m infra.autoscaler.simulator --help`. The world has the group's true lifecycles
(`infra.testing.group`); runs take the slots of workers at random, as polling workers do; machines
boot late, launches fail, metrics go stale, requests are throttled, decisions are missed, and run
times are misjudged. Not in the Lambda's package: it may use numpy and altair.
"""
