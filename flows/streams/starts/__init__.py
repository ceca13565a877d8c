"""Starts: what arrives begins a deployment, once.

A file in a folder or a bucket, or any message of a queue, becomes one event for Prefect's server;
an automation, declared in ``declared/``, starts the deployment. `arrivals` says what arrived,
`watch` tells the server, `declarations` and `apply` keep the automations.
"""
