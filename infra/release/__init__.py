"""Releases: one version of workers and controller replaces another, and nothing is lost.

`plan` decides, `driver` does what it says with `hands`, `store` remembers. `local` are the hands of
one machine, `aws` those of an account. `python -m infra.release --help` is the command.
"""
