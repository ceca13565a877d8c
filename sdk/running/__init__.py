"""How a run of a deployment lives on a work pool: its heart, its gate, and the rules in its tags.

`python -m sdk.running` is the command of the pools (`work_pools/`); see `__main__`.
"""
