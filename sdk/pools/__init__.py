"""Work pools and queues as data: read, compared with a server, carried out.

`python -m sdk.pools apply --environment production [--dry-run]`
"""
