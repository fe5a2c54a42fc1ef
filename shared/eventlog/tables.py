"""The tables of a log, and the column types that both databases share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """An aware moment: timestamptz on PostgreSQL, fixed-width ISO text in UTC on SQLite, so that both sort alike."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the database's own type."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(String(27))
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Bring a moment to UTC; a naive one is an error of the caller."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without zone cannot be stored")
        return iso(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give an aware moment in UTC."""
        if value is None or isinstance(value, datetime):
            return None if value is None else value.astimezone(UTC)
        return datetime.fromisoformat(value)


def iso(moment: datetime) -> str:
    """Write a moment as `2026-11-23T09:00:00.000000Z`."""
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


Json = JSON().with_variant(JSONB(), "postgresql")
"""A JSON column: jsonb on PostgreSQL."""

_Id = BigInteger().with_variant(Integer(), "sqlite")

log = MetaData()

SCHEMA_VERSION = 2
"""Counts the changes of this schema that an older program could not work on, or that `migrate` must have made."""

log_state = Table(
    "log_state",
    log,
    Column("one", SmallInteger, primary_key=True),
    Column("epoch", Uuid, nullable=False),
    Column("heads_at", UtcDateTime),
    Column("schema_version", SmallInteger),
    Column("clock_within", SmallInteger),
    comment="the log's epoch, and the time promised with the last heads; its one row is the append lock; clock_within "
    "is how many seconds a writer's clock may be off the database's, null where tests move the clocks",
)

earlier_epochs = Table(
    "earlier_epochs",
    log,
    Column("epoch", Uuid, primary_key=True),
    Column("shared_until", BigInteger, nullable=False),
    Column("ended_at", UtcDateTime, nullable=False),
    comment="the epochs that this log had before it was restored, and the last position that it shares with each",
)

events = Table(
    "events",
    log,
    Column("position", _Id, primary_key=True, autoincrement=False),
    Column("originator_id", Uuid, nullable=False),
    Column("originator_version", BigInteger, nullable=False),
    Column("topic", Text, nullable=False),
    Column("state", LargeBinary, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("previous", BigInteger, nullable=False),
    Column("patient_id", Uuid),
    UniqueConstraint("originator_id", "originator_version", name="events_version"),
    Index("events_lane", "lane", "position"),
    comment="append-only; position = commit order",
)

positions = Table(
    "positions",
    log,
    Column("upstream", String(40), primary_key=True),
    Column("lane", SmallInteger, primary_key=True),
    Column("epoch", Uuid, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("event_id", String(60), nullable=False),
    comment="how far this service's listener has come in each lane of each upstream",
)

idempotency_keys = Table(
    "idempotency_keys",
    log,
    Column("subject", String(200), primary_key=True),
    Column("key", String(200), primary_key=True),
    Column("route", String(200), nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("first_position", BigInteger, nullable=False),
    Column("last_position", BigInteger, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False, index=True),
)

relay_position = Table(
    "relay_position",
    log,
    Column("one", SmallInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    comment="up to where this log has been published; losing it only repeats",
)

parked = Table(
    "parked",
    log,
    Column("upstream", String(40), primary_key=True),
    Column("lane", SmallInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("event_id", String(60), nullable=False),
    Column("partition", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("waits", SmallInteger, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("parked_at", UtcDateTime, nullable=False),
    Column("kind", String(20)),
    Column("safety", SmallInteger),
    Column("unended", SmallInteger),
    Index("parked_partition", "partition", "upstream", "sequence"),
    comment="events that could not be taken; later ones of the same patient wait behind them; safety is 1 where a "
    "delay may cost a life; unended is how many tries of it, one after the other, ended with their process",
)

begun = Table(
    "begun",
    log,
    Column("upstream", String(40), primary_key=True),
    Column("lane", SmallInteger, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("times", SmallInteger, nullable=False),
    Column("begun_at", UtcDateTime, nullable=False),
    comment="the event with which listeners last began a lane after their start, and how many did: it may end them",
)

refused_reactions = Table(
    "refused_reactions",
    log,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("patient_id", Uuid, index=True),
    Column("policy", Text, nullable=False),
    Column("cause", String(60), nullable=False),
    Column("reason", Text, nullable=False),
    Column("refused_at", UtcDateTime, nullable=False),
    comment="reactions that a rule refused, until a coordinator has dealt with them",
)
