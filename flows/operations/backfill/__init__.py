"""Backfill: run the days of a range that are missing, that failed, or all of them.

What it promises: what is to be done is derived from the store, and on a server from its runs, so
it can be killed and started again; no day is run by two at once; a day that fails does not stop
the others; it ends with what became of each day.

What it does not do: it makes no data of its own (a day is the customer's daily flow, with its own
retries, checks and notices), and it does not run later days again because an earlier one is there
now: that is ``which="all"``.

- `plan`: which days, and why. Pure.
- `days`: what the store says of a day.
- `embedded`, `claims`: the days run here, one after the other.
- `deployed`: runs of a deployment, so many at a time, on a low-priority queue.
- `flow`: the flow; `command`: what a terminal shows of it.
"""
