"""History's read model: one row per recorded fact, bytes and all."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, MetaData, SmallInteger, String, Table, Text, Uuid

from shared.access import care_team_table
from shared.eventlog import UtcDateTime

metadata = MetaData()

care_team = care_team_table(metadata)

timeline = Table(
    "timeline",
    metadata,
    Column("service", String(40), primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("epoch", Uuid, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("event_id", String(60), nullable=False, unique=True),
    Column("patient_id", Uuid),
    Column("subject", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("recorded_at", UtcDateTime, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("actor_role", Text, nullable=False),
    Column("on_behalf_of", Text),
    Column("correlation_id", Uuid, nullable=False),
    Column("causation_id", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("timeline_patient", "patient_id", "recorded_at", "service", "position"),
    Index("timeline_lane", "service", "lane", "recorded_at"),
    comment="every recorded fact, verbatim",
)
