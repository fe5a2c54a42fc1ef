"""History's answers as a person reads them in a terminal: the timeline as a table, the record in lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

Entry = Mapping[str, Any]

RULE = re.compile(r"(?:policy|timer):\w+\.(?P<name>\w+)")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
NOTED_LATER = timedelta(minutes=1)
UNKNOWN = "not known"


def timeline_table(facts: Sequence[Entry]) -> Table:
    """Write the facts in the order recorded, each with its number; imported ones of a kind share a line."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, expand=True)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("recorded (UTC)", no_wrap=True)
    table.add_column("what", width=24)
    table.add_column("who", width=22)
    table.add_column("why", ratio=1)
    numbers = {fact["event_id"]: number for number, fact in enumerate(facts, start=1)}
    for _, group in groupby(facts, key=_line_of):
        alike = [*group]
        times = f" ({len(alike)} times)" if len(alike) > 1 else ""
        first = alike[0]
        row = (minute(first["recorded_at"]), f"{_title(first)}{times}", _who(first["actor"]), _why(alike, numbers))
        table.add_row(str(numbers[first["event_id"]]), *map(plain, row))
    return table


def _line_of(fact: Entry) -> tuple[str, ...]:
    if not fact["type"].endswith("-imported.v1"):
        return (fact["event_id"],)
    return (fact["type"], fact["actor"]["id"], minute(fact["recorded_at"]))


def _title(fact: Entry) -> str:
    """Name a type of fact: caretrail.intake.screening-opened.v1 is "Screening opened"."""
    service, name = fact["type"].split(".")[1:3]
    own = name if "-" in name else f"{service}-{name}"
    return str(fact.get("title") or own.replace("-", " ").capitalize())


def _who(actor: Entry) -> str:
    if RULE.fullmatch(actor["id"]):
        return "CareTrail" + (f", for {person(actor['on_behalf_of'])}" if actor["on_behalf_of"] else "")
    behalf = f", for {person(actor['on_behalf_of'])}" if actor["on_behalf_of"] else ""
    return f"{person(actor['id'])}, {words(actor['role'])}{behalf}"


def _why(alike: Sequence[Entry], numbers: Mapping[str, int]) -> str:
    """Say the reason, the rule and the fact that led to it, and when it happened if that was earlier."""
    first, parts = alike[0], []
    if first["reason"]:
        parts.append(first["reason"])
    if rule := RULE.fullmatch(first["actor"]["id"]):
        parts.append(f"by rule: {rule['name'].replace('_', ' ')}")
    if first["caused_by"] in numbers:
        parts.append(f"because of {numbers[first['caused_by']]}")
    happened = sorted({minute(fact["occurred_at"]) for fact in alike if _was_noted_later(fact)})
    if happened:
        parts.append(f"happened {happened[0]}" + (f" to {happened[-1][:10]}" if len(happened) > 1 else ""))
    return "\n".join(parts)


def _was_noted_later(fact: Entry) -> bool:
    recorded, occurred = (datetime.fromisoformat(fact[name]) for name in ("recorded_at", "occurred_at"))
    return recorded - occurred >= NOTED_LATER


# The record


def record_lines(record: Entry) -> Iterator[str]:
    """Write the whole patient, a section at a time; what was erased since is "not known"."""
    patient = record["patient"]
    dead = ", has died" if patient.get("deceased") else ""
    yield f"{_full_name(patient)}, born {_said(patient, 'birth_date')}, {_said(patient, 'sex')}{dead}"
    final = "complete" if record["complete"] else f"not final yet: {', '.join(record['behind'])} may still add to it"
    yield f"As of {record['as_of']}, {final}"
    yield f"The same again: --vector {record['vector']}"
    for title, section, lines in SECTIONS:
        entries = record.get(section) or ()
        if entries:
            yield ""
            yield title
            yield from (f"  {line}" for line in lines(entries))


def _team(members: Iterable[Entry]) -> Iterator[str]:
    for member in members:
        yield f"{person(member['member_id'])}, {words(member['role'])}, since {member['since'][:10]}"


def _screenings(screenings: Iterable[Entry]) -> Iterator[str]:
    for screening in screenings:
        yield f"{screening['opened_at'][:10]}: {screening['status']}" + _concluded(screening.get("conclusion"))
        for answered in screening["questionnaires"]:
            yield f"  {_result(answered)}"
        for flag in screening["safety_flags"]:
            assessed = f": {flag['assessment']}" if "assessment" in flag else " raised"
            yield f"  safety flag {_said(flag, 'flag')}{assessed} ({person(flag['by'])}, {flag['at'][:10]})"
        for cleared in screening["clearances"]:
            yield f"  {_said(cleared, 'outcome')} by {person(cleared.get('decided_by'))}: {_said(cleared, 'note')}"


def _concluded(conclusion: Entry | None) -> str:
    if conclusion is None:
        return ""
    return f", {_said(conclusion, 'permission')}, intensity up to {_said(conclusion, 'intensity_cap')}"


def _referrals(referrals: Iterable[Entry]) -> Iterator[str]:
    for referral in referrals:
        asked = f"asked {referral['requested_at'][:10]} for {person(referral['requested_by'])}"
        yield f"{words(referral['kind'])}, {_said(referral, 'priority')}: {referral['status']} ({asked})"


def _programs(programs: Iterable[Entry]) -> Iterator[str]:
    for program in programs:
        yield f"{program['status']}, revision {program['revision']}: {'; '.join(_components(program))}"
        for revision in program["revisions"][1:]:
            by = f"{person(revision['author'])}, {revision['at'][:10]}"
            yield f"  revision {revision['revision']} ({by}): {_said(revision, 'reason')}"
            for change in revision["changes"]:
                yield f"    {change['path']}: {change['before']} -> {change['after']}"


def _components(program: Entry) -> Iterator[str]:
    for each in program.get("components") or ():
        yield f"{each['name']}, {each['intensity']}, {each['minutes']} min, {each['times_per_week']} times a week"


def _plans(plans: Iterable[Entry]) -> Iterator[str]:
    for plan in plans:
        check_ins = plan["check_ins"]
        yield f"{plan['status']} since {plan['opened_at'][:10]}: {len(check_ins)} check-ins" + _last(check_ins)
        for flag in plan["red_flags"]:
            yield f"  red flag {', '.join(flag.get('codes') or [UNKNOWN])} ({flag['at'][:10]})"


def _last(check_ins: Sequence[Entry]) -> str:
    if not check_ins:
        return ""
    last = check_ins[-1]
    told = [f"{name} {last[name]}" for name in ("mood", "energy", "sleep") if last.get(name) is not None]
    return f", the last on {', '.join([last['at'][:10], *told])}"


def _measures(measures: Iterable[Entry]) -> Iterator[str]:
    totals: dict[str, list[str]] = {}
    for measure in measures:
        totals.setdefault(_said(measure, "instrument"), []).append(f"{_total(measure)} ({measure['at'][:10]})")
    for instrument, points in totals.items():
        yield f"{instrument}: {', '.join(points)}"


def _alerts(alerts: Iterable[Entry]) -> Iterator[str]:
    for alert in alerts:
        late = ", review overdue" if "review_overdue" in alert and alert["status"] != "resolved" else ""
        yield f"{alert['level']} {_said(alert, 'trigger')}: {alert['status']}{late} (raised {minute(alert['at'])})"


def _imported(facts: Iterable[Entry]) -> Iterator[str]:
    kinds = Counter(fact["fact"].split(".")[2].replace("-", " ") for fact in facts)
    for kind, number in kinds.items():
        yield f"{kind}: {number}"


SECTIONS = (
    ("Care team", "care_team", _team),
    ("Screenings", "screenings", _screenings),
    ("Referrals", "referrals", _referrals),
    ("Programs", "programs", _programs),
    ("Monitoring", "monitoring", _plans),
    ("Measures", "measures", _measures),
    ("Alerts", "alerts", _alerts),
    ("From other systems", "imported", _imported),
)


# Words


def _said(entry: Entry, name: str) -> str:
    value = entry.get(name)
    return UNKNOWN if value in (None, "") else str(value)


def _full_name(patient: Entry) -> str:
    return " ".join(filter(None, (patient.get("given_name"), patient.get("family_name")))) or UNKNOWN


def _result(answered: Entry) -> str:
    band = (answered.get("result") or {}).get("band")
    return f"{_said(answered, 'instrument')} {_total(answered)}" + (f", {words(band)}" if band else "")


def _total(answered: Entry) -> str:
    return _said(answered.get("result") or {}, "total")


def person(id: str | None) -> str:
    """Name somebody by their account's id; of a random one, as much as tells it from the others."""
    if id is None:
        return UNKNOWN
    return id[:8] if RANDOM_ID.fullmatch(id) else id


def words(code: str) -> str:
    """Write a code as words: care-coordinator is "care coordinator"."""
    return code.replace("-", " ")


def minute(moment: str) -> str:
    """Write a moment to the minute: 2026-11-23 09:30."""
    return moment[:16].replace("T", " ")


def plain(text: str) -> str:
    """Leave out what a terminal would obey: what people wrote is only shown."""
    return "".join(letter for letter in text if letter.isprintable() or letter == "\n")
