"""Releases under load: a stand on this machine, versions that are good or broken, a ledger."""
