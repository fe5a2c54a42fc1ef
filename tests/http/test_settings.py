"""The settings of a process, and its clock."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared.clock import FileClock, ShiftedClock, clock_from, system_clock
from shared.settings import Mode, Settings, SettingsError


class TestSettings:
    def test_are_complete_without_any_environment(self):
        settings = Settings.from_environ({})

        assert settings.home == Path.home() / ".caretrail"
        assert settings.mode is Mode.EMBEDDED
        assert settings.bind == "127.0.0.1:8000"
        assert settings.broker_url == "memory://"
        assert settings.database_url("intake") == f"sqlite:///{Path.home()}/.caretrail/intake.sqlite"
        assert settings.database_url("identity") == f"sqlite:///{Path.home()}/.caretrail/identity.sqlite"
        assert settings.service_urls["referral"] == "http://127.0.0.1:8000/referral"
        assert settings.keys == Path.home() / ".caretrail" / "keys"

    def test_are_read_from_the_environment(self):
        settings = Settings.from_environ(
            {
                "CARETRAIL_HOME": "/srv/trail",
                "INTAKE_DATABASE_URL": "postgresql://intake@db/intake",
                "INTAKE_URL": "http://intake:8000/",
                "CARETRAIL_ISSUERS": "https://id.example=https://id.example/jwks https://b.example=https://b.example/k?a=b",
                "CARETRAIL_CLOCK_FILE": "/tmp/clock",
            }
        )

        assert settings.database_url("intake") == "postgresql://intake@db/intake"
        assert settings.database_url("referral") == "sqlite:////srv/trail/referral.sqlite"
        assert settings.service_urls["intake"] == "http://intake:8000"
        assert settings.issuers["https://b.example"] == "https://b.example/k?a=b"
        assert settings.clock_file == Path("/tmp/clock")

    def test_take_a_secret_from_a_file(self, tmp_path: Path):
        (tmp_path / "url").write_text("amqp://user:password@broker//\n")

        settings = Settings.from_environ({"CARETRAIL_BROKER_URL_FILE": str(tmp_path / "url")})

        assert settings.broker_url == "amqp://user:password@broker//"

    def test_show_no_secret(self):
        settings = Settings.from_environ(
            {"CARETRAIL_BROKER_URL": "amqp://u:hush@broker", "INTAKE_DATABASE_URL": "postgresql://u:hush@db/intake"}
        )

        assert "hush" not in repr(settings)

    @pytest.mark.parametrize(
        ("environ", "named"),
        [
            ({"CARETRAIL_HOEM": "/srv"}, "CARETRAIL_HOEM"),
            ({"CARETRAIL_HOME_FILE": "/srv"}, "CARETRAIL_HOME_FILE"),
            ({"CARETRAIL_MODE": "prod"}, "CARETRAIL_MODE must be one of embedded, production"),
            ({"CARETRAIL_LOG_LEVEL": "loud"}, "CARETRAIL_LOG_LEVEL"),
            ({"CARETRAIL_ISSUERS": "https://id.example"}, "CARETRAIL_ISSUERS"),
            ({"CARETRAIL_BROKER_URL_FILE": "/nowhere/at/all"}, "CARETRAIL_BROKER_URL_FILE cannot be read"),
            ({"CARETRAIL_BROKER_URL": "a", "CARETRAIL_BROKER_URL_FILE": "/b"}, "are both set"),
        ],
    )
    def test_that_are_wrong_are_named(self, environ: dict[str, str], named: str):
        with pytest.raises(SettingsError, match=named):
            Settings.from_environ(environ)

    def test_bear_what_the_test_suite_is_told(self):
        Settings.from_environ({"CARETRAIL_TEST_SEED": "7", "CARETRAIL_REQUIRE_SERVERS": "1", "PATH": "/bin"})

    def test_name_no_database_in_production_by_themselves(self):
        settings = Settings.from_environ({"CARETRAIL_MODE": "production", "INTAKE_DATABASE_URL": "postgresql://db/i"})

        assert settings.database_url("intake") == "postgresql://db/i"
        with pytest.raises(SettingsError, match="REFERRAL_DATABASE_URL"):
            settings.database_url("referral")

    def test_are_described_one_by_one(self):
        described = Settings.describe()

        assert "| `CARETRAIL_HOME` | ~/.caretrail | Folder of" in described
        assert "| `PORTAL_URL` | http://127.0.0.1:8000/portal |" in described
        assert "`CARETRAIL_BROKER_URL` (or `_FILE`)" in described


NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class TestClock:
    def test_of_the_system_is_aware_and_in_utc(self):
        assert system_clock().utcoffset() == timedelta(0)

    def test_that_is_shifted_goes_on_from_where_it_was_set(self):
        clock = ShiftedClock(lambda: NOON)

        clock.forward(timedelta(days=3))
        assert clock() == datetime(2026, 11, 26, 12, 0, tzinfo=UTC)

        clock.stand_at(datetime(2027, 1, 1, tzinfo=UTC))
        clock.forward(timedelta(seconds=5))
        assert clock() == datetime(2027, 1, 1, 0, 0, 5, tzinfo=UTC)

    @pytest.mark.parametrize(
        ("text", "moment"),
        [
            ("2026-12-24T18:00:00Z\n", datetime(2026, 12, 24, 18, 0, tzinfo=UTC)),
            ("2026-12-24T19:00:00+01:00", datetime(2026, 12, 24, 18, 0, tzinfo=UTC)),
            ("+86400", datetime(2026, 11, 24, 12, 0, tzinfo=UTC)),
            ("-60.5", datetime(2026, 11, 23, 11, 58, 59, 500000, tzinfo=UTC)),
            ("", NOON),
        ],
    )
    def test_is_moved_by_a_file(self, tmp_path: Path, text: str, moment: datetime):
        clock = FileClock(tmp_path / "clock", base=lambda: NOON)
        assert clock() == NOON

        (tmp_path / "clock").write_text(text)

        assert clock() == moment

    @pytest.mark.parametrize("text", ["tomorrow", "2026-12-24T18:00:00", "+1 day"])
    def test_is_not_moved_by_what_nobody_can_read(self, tmp_path: Path, text: str):
        (tmp_path / "clock").write_text(text)

        with pytest.raises(ValueError, match=r".+"):
            FileClock(tmp_path / "clock")()

    def test_is_the_systems_unless_a_file_is_named(self, tmp_path: Path):
        assert clock_from(None) is system_clock
        assert isinstance(clock_from(tmp_path / "clock"), FileClock)
