"""Care-team membership as a service knows it, and what it leaves visible in lists."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace
from sqlalchemy import Column, MetaData, String, Table, Uuid, create_engine, delete, insert, select

from events.base import Actor, Event
from events.history import HistoryReactionRefused
from events.intake import PatientTeamMemberJoined, PatientTeamMemberLeft
from events.terms import CareRole
from shared.access import Access, CareTeam, Relation, Resource, Role, Rule, care_team_table, keep_care_team
from shared.clock import ShiftedClock
from shared.http import Forbidden, OutOfSight
from shared.messaging import Policies
from tests.access.test_decisions import OTHER, PATIENT, a_subject
from tests.identity.tokens import NOW

metadata = MetaData()
care_team = care_team_table(metadata)
letters = Table("letters", metadata, Column("patient_id", Uuid), Column("sender", String), Column("text", String))


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock(instant=NOW)


@pytest.fixture
def engine(tmp_path: Path):
    engine = create_engine(f"sqlite:///{tmp_path}/facts.sqlite")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def team(engine, clock: ShiftedClock) -> CareTeam:
    def query(statement):
        with engine.connect() as connection:
            return connection.execute(statement).mappings().all()

    return CareTeam(care_team, query, clock)


def join(engine, patient: UUID, member: str, until=None) -> None:
    row = {"aggregate_id": patient, "patient_id": patient, "member_id": member, "role": "physician"}
    with engine.begin() as connection:
        connection.execute(insert(care_team), [{**row, "since": NOW - timedelta(days=1), "until": until}])


class TestCareTeam:
    def test_holds_whoever_joined(self, engine, team: CareTeam):
        join(engine, PATIENT, "anna")

        assert team.is_member(PATIENT, "anna")
        assert not team.is_member(PATIENT, "bert")
        assert not team.is_member(OTHER, "anna")

    def test_lets_go_at_the_moment_it_was_told(self, engine, team: CareTeam, clock: ShiftedClock):
        join(engine, PATIENT, "anna", until=NOW + timedelta(hours=1))
        assert team.is_member(PATIENT, "anna")

        clock.forward(timedelta(hours=1))

        assert not team.is_member(PATIENT, "anna")

    def test_holds_whoever_left_and_came_back(self, engine, team: CareTeam):
        join(engine, PATIENT, "anna", until=NOW - timedelta(hours=1))
        join(engine, PATIENT, "anna")

        assert team.is_member(PATIENT, "anna")


class TestKeepingTheCareTeam:
    """Another service's copy, as intake's events tell it."""

    @pytest.fixture
    def policies(self) -> Policies:
        policies = Policies("letters", refused=HistoryReactionRefused)
        keep_care_team(policies, care_team)
        return policies

    def kept(self, engine, policies: Policies, *events: Event) -> list[dict[str, Any]]:
        with engine.begin() as connection:
            for event in events:
                for change in policies.project(event).changes:
                    same = [change.table.c[name] == value for name, value in change.where.items()]
                    connection.execute(delete(change.table).where(*same))
                    if change.rows:
                        connection.execute(insert(change.table), change.rows)
            rows = connection.execute(select(care_team).order_by(care_team.c.member_id)).mappings()
            return [dict(row) for row in rows]

    def test_notes_who_joined_in_which_role_since_when(self, engine, policies: Policies):
        (row,) = self.kept(engine, policies, of_intake(PatientTeamMemberJoined, role=CareRole.PHYSICIAN))

        assert row == {
            "aggregate_id": PATIENT,
            "patient_id": PATIENT,
            "member_id": "anna",
            "role": "physician",
            "since": NOW,
            "until": None,
        }

    def test_notes_a_member_once_however_often_it_is_told(self, engine, policies: Policies):
        joined = of_intake(PatientTeamMemberJoined, role=CareRole.PHYSICIAN)
        other = of_intake(PatientTeamMemberJoined, role=CareRole.COORDINATOR, member_id="bert")

        rows = self.kept(engine, policies, joined, other, joined)

        assert [row["member_id"] for row in rows] == ["anna", "bert"]

    def test_forgets_whoever_left_and_no_other(self, engine, policies: Policies):
        joined = of_intake(PatientTeamMemberJoined, role=CareRole.PHYSICIAN)
        elsewhere = replace(joined, patient_id=OTHER)

        rows = self.kept(engine, policies, joined, elsewhere, of_intake(PatientTeamMemberLeft))

        assert [(row["patient_id"], row["member_id"]) for row in rows] == [(OTHER, "anna")]

    def test_goes_on_for_history_that_is_old_or_imported(self, engine, policies: Policies):
        joined = of_intake(PatientTeamMemberJoined, role=CareRole.PHYSICIAN)

        old = replace(joined, occurred_at=NOW - timedelta(days=900), imported=True)

        assert len(self.kept(engine, policies, old)) == 1


def of_intake(event_class: type[Event], **fields: Any) -> Any:
    """An event of Anna's membership."""
    return event_class(
        **{"member_id": "anna", **fields},
        originator_id=PATIENT,
        originator_version=2,
        occurred_at=NOW,
        patient_id=PATIENT,
        actor=Actor(id="cora", role="care-coordinator"),
        correlation_id=OTHER,
        causation_id="request-1",
    )


TABLE = {
    "letters": Rule({Role.PHYSICIAN}, Relation.MEMBER, Relation.ADDRESSED)
    | Rule({Role.PATIENT}, Relation.MEMBER)
    | Rule({Role.AUDITOR})
}


class TestNarrowing:
    @pytest.fixture
    def seen(self, engine, team: CareTeam):
        join(engine, PATIENT, "anna")
        rows = [(PATIENT, "carl", "one"), (OTHER, "anna", "two"), (OTHER, "carl", "three")]
        with engine.begin() as connection:
            connection.execute(
                insert(letters), [dict(zip(["patient_id", "sender", "text"], row, strict=True)) for row in rows]
            )

        def texts(subject, patient=letters.c.patient_id, addressed=(letters.c.sender,)) -> list[str]:
            _, condition = Access(TABLE, team).narrow(subject, "letters", patient, addressed)
            return [row["text"] for row in team.query(select(letters).where(condition).order_by(letters.c.text))]

        return texts

    def test_leaves_what_is_ones_patients_or_ones_own(self, seen):
        assert seen(a_subject("physician")) == ["one", "two"]
        assert seen(a_subject("physician", id="carl")) == ["one", "three"]
        assert seen(a_subject("physician", id="dora")) == []

    def test_leaves_everything_to_whoever_needs_no_relation(self, seen):
        assert seen(a_subject("auditor")) == ["one", "three", "two"]

    def test_leaves_patients_what_is_theirs(self, seen):
        assert seen(a_subject("patient", patient_id=OTHER)) == ["three", "two"]
        assert seen(a_subject("patient", id="anna")) == []

    def test_leaves_nothing_where_no_column_tells(self, seen):
        assert seen(a_subject("physician"), patient=None, addressed=()) == []

    def test_is_refused_without_a_role(self, seen):
        with pytest.raises(Forbidden):
            seen(a_subject("operator"))


class TestAccess:
    def test_lets_in_by_role_alone_where_no_relation_is_asked(self, team: CareTeam):
        assert Access(TABLE, team).admit(a_subject("auditor"), "letters") == "auditor"

    def test_waits_for_the_resource_where_one_is(self, team: CareTeam):
        assert Access(TABLE, team).admit(a_subject("physician"), "letters") is None

    def test_refuses_by_role_before_any_resource_is_looked_at(self, team: CareTeam):
        with pytest.raises(Forbidden):
            Access(TABLE, team).admit(a_subject("operator"), "letters")

    def test_lets_members_in_to_their_patients(self, engine, team: CareTeam):
        join(engine, PATIENT, "anna")

        assert Access(TABLE, team).admit_to(a_subject("physician"), "letters", PATIENT) == "physician"
        with pytest.raises(OutOfSight):
            Access(TABLE, team).admit_to(a_subject("physician"), "letters", OTHER)

    def test_lets_in_whom_the_resource_names(self, team: CareTeam):
        letter = Resource(OTHER, addressed_to=frozenset({"anna"}))

        assert Access(TABLE, team).admit_to(a_subject("physician"), "letters", letter) == "physician"

    def test_knows_no_members_without_facts(self):
        with pytest.raises(OutOfSight):
            Access(TABLE).admit_to(a_subject("physician"), "letters", PATIENT)
