"""Given a person, when a coordinator takes them on and shares their care, then the care team is what they said."""

import unicodedata
from datetime import date

import pytest

from events.intake import DatePrecision, Identifier
from events.terms import CareRole
from shared.eventlog import Refused
from tests.intake.given import (
    CORA,
    NOW,
    PHIL,
    REFERRAL,
    a_patient,
    born,
    recorded,
    replayed,
    someone_brought_in,
)


class TestRegistering:
    def test_makes_the_coordinator_the_first_of_the_care_team(self):
        patient = a_patient()

        assert recorded(patient) == ["PatientRegistered", "PatientTeamMemberJoined"]
        assert [(member.member_id, member.role) for member in patient.members] == [(CORA, CareRole.COORDINATOR)]

    def test_keeps_names_in_nfc(self):
        patient = a_patient(family_name=unicodedata.normalize("NFD", "Müller"), given_name=" Zoë ")

        assert (patient.family_name, patient.given_name) == ("M\u00fcller", "Zo\u00eb")

    def test_keeps_identifiers(self):
        number = Identifier(system="urn:example:mrn", value="4711")

        assert a_patient(identifiers=(number,)).identifiers == (number,)

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "", "europe/zurich", "CEST"])
    def test_is_refused_with_an_unknown_time_zone(self, zone):
        with pytest.raises(Refused, match="time zone"):
            a_patient(time_zone=zone)

    @pytest.mark.parametrize("birth_date", [date(2026, 11, 24), date(1826, 1, 1)])
    def test_is_refused_with_a_birth_date_that_cannot_be(self, birth_date):
        with pytest.raises(Refused, match="birth date"):
            a_patient(birth_date=birth_date)

    def test_goes_by_the_day_where_the_patient_lives(self):
        # at 09:00 UTC the 24th has not begun in Zurich; in Kiribati (UTC+14) it is 23:00 of the 23rd
        assert a_patient(birth_date=date(2026, 11, 23), time_zone="Pacific/Kiritimati").birth_date == date(2026, 11, 23)

    def test_is_refused_without_a_name(self):
        with pytest.raises(Refused, match="name"):
            a_patient(family_name=" ", given_name="")


class TestBringingIn:
    def test_marks_the_person_as_imported_and_the_coordinator_as_really_there(self):
        registered, joined = someone_brought_in().pending

        assert (registered.imported, joined.imported) == (True, False)

    def test_takes_the_very_old_who_have_died(self):
        assert someone_brought_in(deceased=True, birth_date=date(1880, 3, 1)).deceased

    def test_notes_a_death_once(self):
        patient = someone_brought_in()

        patient.note_death()
        patient.note_death()

        assert recorded(patient)[2:] == ["PatientDeceased"]
        assert patient.pending[-1].imported


class TestTheCareTeam:
    def test_takes_in_whoever_accepts_a_referral_once(self):
        patient = a_patient()

        patient.join_care_team(PHIL, CareRole.PHYSICIAN, REFERRAL)
        patient.join_care_team(PHIL, CareRole.PHYSICIAN, REFERRAL)

        assert recorded(patient)[2:] == ["PatientTeamMemberJoined"]
        assert patient.pending[-1].referral_id == REFERRAL

    def test_leaves_a_coordinator_who_accepts_a_referral_a_coordinator(self):
        patient = a_patient()

        patient.join_care_team(CORA, CareRole.BEHAVIORAL_COACH, REFERRAL)

        assert patient.team[CORA].role is CareRole.COORDINATOR

    def test_refuses_a_second_role_by_hand(self):
        patient = a_patient()

        with pytest.raises(Refused, match="care-coordinator"):
            patient.add_team_member(CORA, CareRole.PHYSICIAN)

    def test_never_loses_its_last_coordinator(self):
        patient = a_patient()
        patient.add_team_member(PHIL, CareRole.PHYSICIAN)

        with pytest.raises(Refused, match="last care coordinator"):
            patient.remove_team_member(CORA, "moved away")

    def test_lets_a_coordinator_go_when_another_stays(self):
        patient = a_patient()
        patient.add_team_member("carl", CareRole.COORDINATOR)

        patient.remove_team_member(CORA, "moved away")

        assert list(patient.team) == ["carl"]

    def test_cannot_lose_whom_it_does_not_have(self):
        with pytest.raises(Refused, match="Not in the care team"):
            a_patient().remove_team_member(PHIL, "")

    def test_says_since_when_somebody_is_in_it(self):
        assert a_patient().members[0].since == NOW

    def test_is_the_same_after_a_replay(self):
        patient = a_patient()
        patient.add_team_member(PHIL, CareRole.PHYSICIAN)

        assert replayed(patient).members == patient.members


class TestBeingScreenable:
    def test_holds_for_an_adult(self):
        a_patient(**born(2008, 11, 23)).must_be_screenable()

    def test_is_refused_to_minors_in_a_clear_word(self):
        with pytest.raises(Refused, match="for adults of 18 and over"):
            a_patient(**born(2008, 11, 24)).must_be_screenable()

    def test_is_refused_to_the_dead_in_a_clear_word(self):
        with pytest.raises(Refused, match="has died"):
            someone_brought_in(deceased=True).must_be_screenable()

    def test_is_refused_while_the_age_is_unknown(self):
        with pytest.raises(Refused, match="birth date is not known"):
            someone_brought_in(birth_date=None).must_be_screenable()

    @pytest.mark.parametrize(
        ("birth", "is_adult"),
        [
            (born(2008, precision=DatePrecision.YEAR), False),
            (born(2007, precision=DatePrecision.YEAR), True),
            (born(2008, 11, precision=DatePrecision.MONTH), False),
            (born(2008, 10, precision=DatePrecision.MONTH), True),
        ],
    )
    def test_reads_a_rough_birth_date_as_late_as_it_may_be(self, birth, is_adult):
        patient = someone_brought_in(**birth)

        if is_adult:
            patient.must_be_screenable()
        else:
            with pytest.raises(Refused, match="adults"):
                patient.must_be_screenable()
