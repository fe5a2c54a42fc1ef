"""History's read model: one row per recorded fact, bytes and all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, SmallInteger, String, Table, Text, Uuid

from shared.access import care_team_table
from shared.eventlog import UtcDateTime

metadata = MetaData()

care_team = care_team_table(metadata)


def _columns_of_a_fact() -> Iterator[Column[Any]]:
    yield Column("lane", SmallInteger, nullable=False)
    yield Column("patient_id", Uuid)
    yield Column("subject", Uuid, nullable=False)
    yield Column("type", Text, nullable=False)
    yield Column("occurred_at", UtcDateTime, nullable=False)
    yield Column("recorded_at", UtcDateTime, nullable=False)
    yield Column("actor_id", Text, nullable=False)
    yield Column("actor_role", Text, nullable=False)
    yield Column("on_behalf_of", Text)
    yield Column("correlation_id", Uuid, nullable=False)
    yield Column("causation_id", Text, nullable=False)
    yield Column("body", LargeBinary, nullable=False)


timeline = Table(
    "timeline",
    metadata,
    Column("service", String(40), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Uuid, nullable=False),
    Column("event_id", String(60), nullable=False, unique=True),
    *_columns_of_a_fact(),
    Index("timeline_patient", "patient_id", "recorded_at", "service", "position"),
    Index("timeline_lane", "service", "lane", "recorded_at"),
    comment="every recorded fact, verbatim",
)

lost_facts = Table(
    "lost_facts",
    metadata,
    Column("service", String(40), primary_key=True),
    Column("epoch", Uuid, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", String(60), nullable=False),
    *_columns_of_a_fact(),
    comment="facts that a restored log no longer holds, verbatim: perhaps the last copies",
)
