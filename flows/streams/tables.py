"""The ledger's tables. Times are UTC without zone; bodies are JSON."""

from __future__ import annotations

import sqlalchemy as sa

VERSION = 1
"""Rises when a release cannot use the tables of the one before."""

metadata = sa.MetaData(naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(column_0_label)s"})
_number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

versions = sa.Table("stream_versions", metadata, sa.Column("version", sa.Integer, primary_key=True))

leases = sa.Table(
    # Who consumes a stream now; see `flows.streams.lease`.
    "stream_leases",
    metadata,
    sa.Column("stream", sa.String(200), primary_key=True),
    sa.Column("holder", sa.String(64)),
    sa.Column("epoch", _number, nullable=False),
    sa.Column("beat", _number, nullable=False),
    sa.Column("heir", sa.String(64)),
    sa.Column("heir_beat", _number, nullable=False),
)

handled = sa.Table(
    # Events that had their effect. The oldest are forgotten: see `Ledger.forget`.
    "stream_handled",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("stream", sa.String(200), nullable=False),
    sa.Column("event", sa.String(300), nullable=False),
    sa.Column("dead", sa.Text),  # the reason, of a message that was set aside
    sa.UniqueConstraint("stream", "event", name="uq_stream_handled"),
)

prices = sa.Table(
    # The latest price of each offer that the stream told of.
    "stream_prices",
    metadata,
    sa.Column("stream", sa.String(200), primary_key=True),
    sa.Column("offer", sa.String(700), primary_key=True),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("fields", sa.Text, nullable=False),
)

alerts = sa.Table(
    # What each rule found and told: a row of ALERTS for each thing.
    "stream_alerts",
    metadata,
    sa.Column("stream", sa.String(200), primary_key=True),
    sa.Column("rule", sa.String(200), primary_key=True),
    sa.Column("item", sa.String(700), primary_key=True),
    sa.Column("group", sa.String(400), nullable=False),
    sa.Column("state", sa.String(20), nullable=False),
    sa.Column("row", sa.Text, nullable=False),
    sa.Index("ix_stream_alerts_group", "stream", "rule", "group"),
)

notices = sa.Table(
    # What is to be said and is not in the outbox yet.
    "stream_notices",
    metadata,
    sa.Column("number", _number, primary_key=True, autoincrement=True),
    sa.Column("stream", sa.String(200), nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

minutes = sa.Table(
    # What happened in each minute that is not published yet.
    "stream_minutes",
    metadata,
    sa.Column("stream", sa.String(200), primary_key=True),
    sa.Column("minute", sa.DateTime, primary_key=True),
    sa.Column("counts", sa.Text, nullable=False),
)
