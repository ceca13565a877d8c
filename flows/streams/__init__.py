"""Near real time: flows that follow a queue, with the same pure steps as the day.

`queues` are where messages come from, `event` is what one says, `standing` what is known of the
market, `compare` what a price means for it, `ledger` what was done with it already, `consumer` the
loop around them, `flow` its Prefect face. `starts` begins deployments for what arrives.
"""
