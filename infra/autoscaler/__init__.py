"""The fleet that sizes itself: a pure policy, what feeds it, and what carries it out.

`policy.decide` turns an observation into a decision and touches nothing. `prefect_api` and `fleet`
are the two hands: Prefect's REST API read by httpx, Auto Scaling read and changed by boto3.
`handler` joins them as a Lambda function. Packed, it is this folder without `simulator/`, httpx,
and the boto3 that the Lambda runtime brings: numpy, Prefect and polars are not among it.
"""
