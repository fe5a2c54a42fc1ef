"""What the databases hold, read past the suite: plain SQL on SQLite files and on PostgreSQL, nothing of ours."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
Seen = dict[str, Any]

UPSTREAMS: Mapping[str, tuple[str, ...]] = {
    "intake": ("referral",),
    "prescription": ("intake", "monitoring"),
    "referral": ("intake", "monitoring"),
    "monitoring": ("intake", "prescription"),
    "history": ("intake", "prescription", "referral", "monitoring"),
}
"""Who listens to whom."""

KEPT: Mapping[str, Mapping[str, str]] = {
    "intake": {"care_team": "SELECT patient_id, member_id, role FROM care_team WHERE until IS NULL"},
    "prescription": {
        "care_team": "SELECT patient_id, member_id, role FROM care_team WHERE until IS NULL",
        "programs": "SELECT aggregate_id, status FROM programs",
        "conclusions": "SELECT event_id FROM conclusions",
        "clearances": "SELECT event_id FROM clearances",
        "red_flags": "SELECT event_id FROM red_flags",
    },
    "referral": {
        "care_team": "SELECT patient_id, member_id, role FROM care_team WHERE until IS NULL",
        "referrals": "SELECT aggregate_id, status FROM referrals",
    },
    "monitoring": {
        "care_team": "SELECT patient_id, member_id, role FROM care_team WHERE until IS NULL",
        "plans": "SELECT aggregate_id, status FROM plans",
        "alerts": "SELECT aggregate_id, standing AS status FROM alerts",
        "baselines": "SELECT event_id FROM baselines",
        "patients": "SELECT patient_id FROM patients",
    },
    "history": {
        "care_team": "SELECT patient_id, member_id, role FROM care_team WHERE until IS NULL",
        "timeline": "SELECT service, position, epoch, event_id, body FROM timeline",
    },
}
"""What each service keeps of the logs: its worklists and projections."""

LOG = "SELECT position, originator_id, originator_version, topic, state, recorded_at, lane, previous, patient_id"
HEADS = "SELECT lane, max(position) AS position FROM events GROUP BY lane"
BARE_UUID = re.compile(r"[0-9a-f]{32}")

PAUSE = 0.1

LaneHeads = dict[str, dict[int, int]]
Healed = dict[str, Any]


def ask(url: str, query: str) -> list[Row]:
    """Run a query on a database (sqlite:///file or postgresql://...) and give its rows in plain values."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(f"file:{url.removeprefix('sqlite:///')}?mode=ro", uri=True, timeout=30)) as opened:
            opened.row_factory = sqlite3.Row
            rows = [dict(row) for row in opened.execute(query)]
    else:
        with psycopg.connect(url, row_factory=dict_row) as connection:
            rows = connection.execute(query.encode()).fetchall()
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """Give the same value for both databases: ids and times as text, bodies as text."""
    if isinstance(value, str) and BARE_UUID.fullmatch(value):
        return str(UUID(value))
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
    if isinstance(value, bytes | memoryview):
        return bytes(value).decode()
    return value


def observed(urls: Mapping[str, str], since: Mapping[str, int] | None = None) -> Seen:
    """Give everything that a checker judges; `since` are the positions behind which a load began (0 unless given)."""
    return {
        "since": dict(since or dict.fromkeys(UPSTREAMS, 0)),
        "logs": {service: list(_log(service, urls[service])) for service in UPSTREAMS},
        "epochs": {service: ask(urls[service], "SELECT epoch FROM log_state")[0]["epoch"] for service in UPSTREAMS},
        "relays": {service: _relayed(urls[service]) for service in UPSTREAMS},
        "positions": {
            service: ask(urls[service], "SELECT upstream, lane, epoch, sequence, event_id FROM positions")
            for service in UPSTREAMS
        },
        "healed_in": 0.0,
        "behind": [],
        "stopped": [],
        "parked": {
            service: ask(urls[service], "SELECT upstream, sequence, event_id, reason FROM parked")
            for service in UPSTREAMS
        },
        "kept": {
            service: {table: ask(urls[service], query) for table, query in KEPT[service].items()}
            for service in UPSTREAMS
        },
    }


def _log(service: str, url: str) -> Iterator[Row]:
    for row in ask(url, f"{LOG} FROM events ORDER BY position"):
        yield {
            "service": service,
            "position": row["position"],
            "id": f"{row['originator_id']}-{row['originator_version']}",
            "aggregate": row["originator_id"],
            "version": row["originator_version"],
            "type": row["topic"],
            "recorded_at": row["recorded_at"],
            "lane": row["lane"],
            "previous": row["previous"],
            "patient": row["patient_id"],
            "text": row["state"],
            "body": json.loads(row["state"]),
        }


def _relayed(url: str) -> int:
    rows = ask(url, "SELECT position FROM relay_position")
    return int(rows[0]["position"]) if rows else 0


def heads(urls: Mapping[str, str]) -> dict[str, int]:
    """Give the last position of every log."""
    return {service: max(lanes.values(), default=0) for service, lanes in lane_heads(urls).items()}


def lane_heads(urls: Mapping[str, str]) -> LaneHeads:
    """Give the last position of every lane of every log."""
    return {service: {row["lane"]: row["position"] for row in ask(urls[service], HEADS)} for service in UPSTREAMS}


def behind(urls: Mapping[str, str], lanes: LaneHeads | None = None) -> list[str]:
    """Say who has not yet taken or published everything up to these heads (the present ones unless given)."""
    found = []
    lanes = lane_heads(urls) if lanes is None else lanes
    for service, upstreams in UPSTREAMS.items():
        if _relayed(urls[service]) < max(lanes[service].values(), default=0):
            found.append(f"{service}'s relay")
        reached = {
            (row["upstream"], row["lane"]): row["sequence"]
            for row in ask(urls[service], "SELECT upstream, lane, sequence FROM positions")
        }
        for upstream in upstreams:
            late = [lane for lane, head in lanes[upstream].items() if reached.get((upstream, lane), 0) < head]
            found += [f"{service} in {upstream}/{lane}" for lane in late]
    return found


def caught_up(urls: Mapping[str, str], within: float) -> Healed:
    """Wait until nobody is behind, twice in a row with nothing new; give the seconds that it took, and who is late.

    Infinity where it takes longer than `within`.
    """
    begun, quiet_at = monotonic(), None
    while True:
        waited, last = monotonic() - begun, lane_heads(urls)
        late = behind(urls, last)
        if not late and quiet_at == last:
            return {"healed_in": waited, "behind": []}
        quiet_at = None if late else last
        if waited > within:
            return {"healed_in": float("inf"), "behind": late}
        sleep(PAUSE)
