"""A patient: who they are, in which time zone and language they live, and who takes part in their care."""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from events.intake import (
    DatePrecision,
    Identifier,
    PatientDeceased,
    PatientRegistered,
    PatientTeamMemberJoined,
    PatientTeamMemberLeft,
)
from events.terms import CareRole
from services.intake.domain.refusals import known, refusing_what_the_rules_refuse
from shared.clinical.preparticipation import require_adult
from shared.eventlog.aggregate import Aggregate, Context, Refused, when

LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
"""A language tag as far as care needs it (RFC 5646)."""

OLDEST = 130
"""Years of age beyond which the birth date of somebody who registers is a slip of the pen."""


@dataclass(frozen=True)
class Member:
    """Somebody in a patient's care team."""

    member_id: str
    role: CareRole
    since: datetime


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Who somebody is; names are brought to NFC. `birth_date` is the first day of what `precision` says."""

    family_name: str
    given_name: str = ""
    birth_date: date | None = None
    precision: DatePrecision = DatePrecision.DAY
    sex: str | None = None
    identifiers: tuple[Identifier, ...] = ()
    time_zone: str = "UTC"
    language: str = "en"

    def __post_init__(self) -> None:
        for name in ("family_name", "given_name"):
            object.__setattr__(self, name, unicodedata.normalize("NFC", getattr(self, name)).strip())


# The database is a folder of files: read once, not at every registration.
@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_time_zone(name: str) -> bool:
    """Tell whether a name is one of the IANA database, like `Europe/Zurich`."""
    return name in _time_zones()


def is_language(tag: str) -> bool:
    """Tell whether a text has the form of a language tag, like `de-CH`."""
    return LANGUAGE.fullmatch(tag) is not None


class Patient(Aggregate):
    """A person in this organisation's care. Its id is random; `patient_id` is the same id."""

    family_name: str = ""
    given_name: str = ""
    birth_date: date | None = None
    precision = DatePrecision.DAY
    sex: str | None = None
    deceased = False
    identifiers: tuple[Identifier, ...] = ()
    time_zone = "UTC"
    language = "en"
    imported = False
    registered_on: datetime
    team: dict[str, Member]

    @classmethod
    def register(cls, id: UUID, context: Context, identity: Identity) -> Patient:
        """Take a person on; the registering coordinator is the first of the care team."""
        if identity.birth_date is not None and identity.birth_date.year < context.now.year - OLDEST:
            raise Refused("The birth date cannot be right. Check it.", code="implausible-birth-date")
        patient = cls(id, context, id)
        patient._register(identity, deceased=False)
        patient._let_the_coordinator_in()
        return patient

    @classmethod
    def bring_in(cls, id: UUID, context: Context, identity: Identity, *, deceased: bool) -> Patient:
        """Take over a person whom another system knows, the dead and minors, too; the importing coordinator joins."""
        patient = cls(id, replace(context, imported=True), id)
        patient._register(identity, deceased=deceased)
        # Who the person is was stated elsewhere; that the coordinator joins happens here and now.
        patient.context = context
        patient._let_the_coordinator_in()
        return patient

    def _register(self, identity: Identity, *, deceased: bool) -> None:
        _must_be_possible(identity, self.context.now)
        self.record(
            PatientRegistered,
            family_name=identity.family_name,
            given_name=identity.given_name,
            birth_date=identity.birth_date,
            birth_date_precision=identity.precision,
            sex=identity.sex,
            deceased=deceased,
            identifiers=identity.identifiers,
            time_zone=identity.time_zone,
            language=identity.language,
        )

    def _let_the_coordinator_in(self) -> None:
        self.record(PatientTeamMemberJoined, member_id=self.context.actor.id, role=CareRole.COORDINATOR)

    # The care team

    def join_care_team(self, member_id: str, role: CareRole, referral_id: UUID | None = None) -> None:
        """Let somebody take part in the care, for a referral or by hand; who is in the team stays as they are."""
        # A coordinator who accepts a referral must stay the coordinator that the patient cannot be without.
        if member_id not in self.team:
            self.record(PatientTeamMemberJoined, member_id=member_id, role=role, referral_id=referral_id)

    def add_team_member(self, member_id: str, role: CareRole) -> None:
        """Let somebody join by hand; refused for somebody who already is in the team in another role."""
        member = self.team.get(member_id)
        if member is not None and member.role != role:
            raise Refused(
                f"Already in the care team as {member.role}. Take them out of it first.",
                allowed=("remove",),
                code="in-the-team-already",
            )
        self.join_care_team(member_id, role)

    def remove_team_member(self, member_id: str, reason: str) -> None:
        """End somebody's part in the care; the last coordinator must stay."""
        member = self.team.get(member_id)
        if member is None:
            raise Refused("Not in the care team of this patient.", code="not-in-the-team")
        if member.role is CareRole.COORDINATOR and len(self._coordinators()) == 1:
            raise Refused(
                "The last care coordinator cannot leave. Add another coordinator first.",
                allowed=("team-members",),
                code="last-coordinator",
            )
        self.record(PatientTeamMemberLeft, member_id=member_id, reason=reason)

    def _coordinators(self) -> list[Member]:
        return [member for member in self.team.values() if member.role is CareRole.COORDINATOR]

    # What others ask

    def note_death(self) -> None:
        """Take over from another system that the patient has died; once."""
        if not self.deceased:
            live, self.context = self.context, replace(self.context, imported=True)
            self.record(PatientDeceased)
            self.context = live

    def today(self) -> date:
        """The present day where the patient lives."""
        return self.day_of(self.context.now)

    def day_of(self, moment: datetime) -> date:
        """The day on which a moment falls where the patient lives."""
        return moment.astimezone(ZoneInfo(self.time_zone)).date()

    def must_be_screenable(self) -> None:
        """Refuse the dead, minors, and people whose age is not known; every rule of screening is for adults."""
        # Questionnaires, bands and gates are made for adults (clinical rules 7).
        if self.deceased:
            raise Refused("The patient has died; no screening can be opened.", code="patient-deceased")
        if self.birth_date is None:
            raise Refused("The birth date is not known; it takes an adult to be screened.", code="age-unknown")
        with refusing_what_the_rules_refuse():
            require_adult(_latest(self.birth_date, self.precision), self.today())

    # What happened

    @when(PatientRegistered)
    def _registered(self, event: PatientRegistered) -> None:
        self.family_name = known(event.family_name, "")
        self.given_name = known(event.given_name, "")
        self.birth_date = known(event.birth_date)
        self.precision = known(event.birth_date_precision, DatePrecision.DAY)
        self.sex = known(event.sex)
        self.deceased = known(event.deceased, False)
        self.identifiers = known(event.identifiers, ())
        self.time_zone = event.time_zone
        self.language = event.language
        self.imported = event.imported
        self.registered_on = event.occurred_at
        self.team = {}

    @when(PatientDeceased)
    def _died(self, event: PatientDeceased) -> None:
        self.deceased = True

    @when(PatientTeamMemberJoined)
    def _joined(self, event: PatientTeamMemberJoined) -> None:
        self.team[event.member_id] = Member(event.member_id, event.role, event.occurred_at)

    @when(PatientTeamMemberLeft)
    def _left(self, event: PatientTeamMemberLeft) -> None:
        self.team.pop(event.member_id, None)

    @property
    def members(self) -> Sequence[Member]:
        """The care team, longest in it first."""
        return sorted(self.team.values(), key=lambda member: (member.since, member.member_id))


def _must_be_possible(identity: Identity, now: datetime) -> None:
    if not is_time_zone(identity.time_zone):
        raise Refused("This is not a time zone of the IANA database, like Europe/Zurich.", code="unknown-time-zone")
    if not (identity.family_name or identity.given_name):
        raise Refused("A patient needs a name.", code="nameless")
    today = now.astimezone(ZoneInfo(identity.time_zone)).date()
    if identity.birth_date is not None and identity.birth_date > today:
        raise Refused("The birth date lies in the future. Check it.", code="implausible-birth-date")


def _latest(born: date, precision: DatePrecision) -> date:
    """The last day on which somebody can have been born whose birth date is known only so far: the careful reading."""
    if precision is DatePrecision.YEAR:
        return date(born.year, 12, 31)
    if precision is DatePrecision.MONTH:
        return date(born.year, born.month, calendar.monthrange(born.year, born.month)[1])
    return born
