"""What runs on a worker's machine beside Prefect: the agent that starts, cordons and drains it.

`plan` decides and is pure; `processes` starts workers and looks at them through ``/proc``;
`notices` asks the instance metadata what is wanted; `lifecycle` tells Auto Scaling; `rescue` hands
runs back to Prefect; `agent` joins them. Packed onto the machine: this folder, httpx and boto3.
"""
