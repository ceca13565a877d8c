"""The tables of the desk, the same for SQLite and PostgreSQL.

Instants are UTC without a zone, since SQLite keeps none. Text that came from sites is in
``content`` as ASCII JSON and in codes that were cleaned before. Nothing is ever deleted, and of a
decision nothing is ever updated: that a decision is superseded is said by the later one, and the
unique ``supersedes`` makes sure that two corrections of one decision cannot both stand.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

VERSION: Final = 1
"""Rises when the tables change; a database of another version is refused, never guessed at."""

metadata = MetaData()

_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # SQLite counts up only an INTEGER key

versions = Table("review_version", metadata, Column("version", Integer, primary_key=True))

batches = Table(
    "review_batches",
    metadata,
    Column("id", String(200), primary_key=True),  # "orchard/2026-08-15"
    Column("customer", String(100), nullable=False),
    Column("day", Date, nullable=False),
    Column("content_hash", String(64), nullable=False),  # of the matches that it was made from
    Column("pairs", Integer, nullable=False),
    Column("opened_at", DateTime, nullable=False),
    Column("waits_until", DateTime, nullable=False),  # until when the day's run waits for it
    Column("gate", String(20), nullable=False),  # open | gated | released | held
    Column("gate_by", String(200)),
    Column("gate_at", DateTime),
)

tasks = Table(
    "review_tasks",
    metadata,
    Column("id", _NUMBER, primary_key=True, autoincrement=True),
    Column("customer", String(100), nullable=False),
    Column("kind", String(10), nullable=False),  # review | audit | gold
    Column("key", String(64), nullable=False),
    Column("round", Integer, nullable=False),  # the same question, asked again
    Column("batch", ForeignKey("review_batches.id")),
    Column("day", Date, nullable=False),
    Column("subject", Text, nullable=False),  # JSON: own_seller, own_sku, seller, skus
    Column("content", Text, nullable=False),  # JSON: what is shown
    Column("expected", Text),  # of gold the right answer, of audits what the machine said
    Column("needed", Integer, nullable=False),
    Column("weight", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("ranked_on", Integer, nullable=False),  # the ordinal of the day that score is of
    Column("opened_at", DateTime, nullable=False),
    Column("opened_on", Integer, nullable=False),  # the day's ordinal: ages are differences
    Column("state", String(10), nullable=False),  # open | escalated | settled | closed | gold
    Column("answer", String(64)),  # the decision that settled it
    Column("settled_at", DateTime),
    Column("lease_by", String(200)),
    Column("lease_until", DateTime),
    Column("lease_number", Integer, nullable=False, default=0),
    UniqueConstraint("customer", "kind", "key", "round"),
    Index("review_tasks_queue", "state", sa.desc("score"), "id"),
    Index("review_tasks_batch", "batch", "state"),
    Index("review_tasks_lease", "lease_by"),
)

decisions = Table(
    "review_decisions",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("task", ForeignKey("review_tasks.id"), nullable=False, index=True),
    Column("reviewer", String(200), nullable=False),
    Column("lead", Boolean, nullable=False),
    Column("verdict", String(20), nullable=False),
    Column("sku", Text),
    Column("factor", Float),
    Column("at", DateTime, nullable=False),
    Column("seconds", Float),  # from the lease to the answer
    Column("supersedes", String(64), unique=True),
    Index("review_decisions_by", "reviewer", "at"),
)

reviewers = Table(
    "review_reviewers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("turns", Integer, nullable=False),
)

blacklist = Table(
    "review_blacklist",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("customer", String(100), nullable=False, index=True),
    Column("own_seller", Text, nullable=False),
    Column("own_sku", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("sku", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", DateTime, nullable=False),
    Column("lifted_by", String(200)),
    Column("lifted_at", DateTime),
)
