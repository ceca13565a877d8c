"""The canary, the watch that stands outside Prefect, and the reconciler of dead runs."""
