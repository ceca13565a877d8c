"""The reconciler: no run that dies is lost.

Prefect 2 leaves a run Running for ever when its worker and its process are killed together. The
reconciler finds such runs by two independent signs, settles them, and starts them again where
their deployment allows it. `python -m canary.reconciler`; the census of each machine that has
workers is `python -m canary.reconciler.census`.
"""
