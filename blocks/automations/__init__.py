"""Prefect automations as code: declared in files, applied to a server.

`declarations` reads the files in `declared/`, `plan` compares them with what a server has,
`server` reads and writes. An automation is ours when its name begins with the prefix of its
environment (`declarations.prefix`); no other is ever touched.
"""
