"""What /metrics shows: each figure moves when that happens which it is there for."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid4

import pytest
from kombu import Producer
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from events.base import lane_of
from services.suite import service_named
from shared import figures, metrics
from shared.clock import system_clock
from shared.eventlog import Commit, LogUnavailable, Replace, open_log
from shared.eventlog.tables import refused_reactions
from shared.figures import COUNTERS, FIGURES, GAUGES, HISTOGRAMS, Watched
from shared.messaging import Relay, Supervisor, supervisor
from shared.messaging.broker import EXCHANGE, connect
from tests.messaging.delivery import until
from tests.operations.office import NINE, Office, an_office, scraped

AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with an_office(tmp_path) as opened:
        yield opened


def lag(upstream: str = "intake", service: str = "referral", **lane: str) -> float:
    return scraped("caretrail_lag_positions", service=service, upstream=upstream, **lane)


def dead_log(service: str = "kitchen") -> Watched:
    """A log on a server that is not there."""
    return Watched(service, open_log("postgresql://nobody:secret@127.0.0.1:1/nothing"), system_clock)


@pytest.fixture
def watched() -> Iterator[Watched]:
    dead = dead_log()
    FIGURES.watch(dead)
    yield dead
    FIGURES.forget(dead)


class TestThePage:
    def test_can_be_read_by_prometheus_and_explains_every_figure(self, office: Office):
        office.works("intake", "referral")

        families = {family.name: family for family in text_string_to_metric_families(metrics.exposition().decode())}

        ours = {**GAUGES, **COUNTERS, **HISTOGRAMS}
        assert ours.keys() <= families.keys()
        for name, (meaning, labels) in ours.items():
            assert families[name].documentation == meaning
            assert all(set(labels) == set(sample.labels) - {"le"} for sample in families[name].samples)

    def test_names_nobody(self, office: Office):
        office.works("intake", "referral", "history")
        patient = office.registers()
        office.knows_more(patient)
        until(lambda: scraped("caretrail_parked_events", service="history") == 1)

        page = metrics.exposition().decode()

        assert AN_ID.search(page) is None
        assert "Keller" not in page

    def test_says_which_version_runs(self, office: Office):
        assert scraped("caretrail_build_info") == 1

    def test_forgets_a_service_that_has_closed(self, tmp_path: Path):
        with an_office(tmp_path):
            assert scraped("caretrail_log_up", service="intake") == 1

        with pytest.raises(KeyError):
            scraped("caretrail_log_up", service="intake")

    def test_of_a_web_side_leaves_the_figures_of_the_log_to_the_worker(self, office: Office):
        assert scraped("caretrail_log_up", service="intake") == 1
        with pytest.raises(KeyError):
            scraped("caretrail_unpublished_events", service="intake")


class TestALogThatIsDown:
    def test_is_said_to_be_and_does_not_fail_the_scrape(self, watched: Watched, office: Office):
        assert scraped("caretrail_log_up", service="kitchen") == 0
        assert scraped("caretrail_log_up", service="intake") == 1

    def test_that_never_answers_holds_no_scrape(self, watched: Watched, monkeypatch: pytest.MonkeyPatch):
        released = threading.Event()
        monkeypatch.setattr(figures, "ANSWER_WITHIN", 0.2)
        monkeypatch.setattr(watched.recorder, "query", lambda _: released.wait(60))
        before, began = threading.active_count(), monotonic()

        answers = [scraped("caretrail_log_up", service="kitchen") for _ in range(3)]

        assert monotonic() - began < 30
        assert answers == [0, 0, 0]
        assert threading.active_count() <= before + 1
        released.set()
        until(lambda: scraped("caretrail_log_up", service="kitchen") == 1)

    def test_shows_no_old_figures(self, office: Office, monkeypatch: pytest.MonkeyPatch):
        def away() -> None:
            raise LogUnavailable("the disk is full")

        office.works("intake")
        assert scraped("caretrail_unpublished_events", service="intake") == 0

        monkeypatch.setattr(office.services["intake"].recorder, "reading", away)

        assert scraped("caretrail_log_up", service="intake") == 0
        with pytest.raises(KeyError):
            scraped("caretrail_unpublished_events", service="intake")


class TestLag:
    def test_is_none_once_everything_was_taken(self, office: Office):
        office.works("intake", "referral")

        lane = lane_of(office.registers())

        head = scraped("caretrail_log_head", service="intake", lane=str(lane))
        until(lambda: scraped("caretrail_position", service="referral", upstream="intake", lane=str(lane)) == head)
        assert head > 0
        assert lag() == 0

    def test_grows_while_the_listener_rests(self, office: Office):
        office.works("intake", "referral")
        office.rests("referral")

        patient = office.registers()
        before = lag(lane=str(lane_of(patient)))
        office.knows_more(patient)

        assert lag(lane=str(lane_of(patient))) == before + 1

    def test_is_known_from_what_the_upstream_told_where_its_log_is_elsewhere(self, office: Office):
        office.works("intake", "referral")
        listener = office.services["referral"].listener
        until(lambda: listener.inbox.feeds["intake"].heads_told())
        FIGURES.forget(office.services["intake"].watched)
        listener.inbox.stopped.update({("intake", lane): "as after a restore" for lane in range(16)})

        patient = office.registers()

        until(lambda: lag(lane=str(lane_of(patient))) > 0)

    def test_is_shown_with_the_lanes_that_stopped(self, office: Office):
        office.works("intake", "referral")
        office.registers()
        until(lambda: scraped("caretrail_position", service="referral", upstream="intake") > 0)

        with office.services["intake"].recorder.engine.begin() as connection:
            connection.execute(text("UPDATE log_state SET epoch = :epoch"), {"epoch": uuid4().hex})

        until(lambda: scraped("caretrail_lanes_stopped", service="referral", upstream="intake") > 0)

    def test_comes_with_the_age_of_what_it_rests_on(self, office: Office):
        office.works("referral")
        feeds = {"service": "referral", "upstream": "intake"}
        until(lambda: scraped("caretrail_feed_requests_total", kind="heads", **feeds) > 0)

        del office.root.mounts["/intake"]
        office.root.mounts["/intake"] = office.root.app
        seen = scraped("caretrail_heads_age_seconds", **feeds)

        until(lambda: scraped("caretrail_feed_requests_total", kind="failed", **feeds) > 0)
        until(lambda: scraped("caretrail_heads_age_seconds", **feeds) > seen)


class TestPublishing:
    def test_shows_how_long_the_oldest_event_waits(self, office: Office):
        office.works("intake")
        office.rests("intake")

        office.registers()
        office.registers()
        office.later(NINE + timedelta(hours=1))

        assert scraped("caretrail_unpublished_events", service="intake") >= 2
        assert scraped("caretrail_oldest_unpublished_seconds", service="intake") == pytest.approx(3600, abs=1)

    def test_shows_nothing_once_all_is_out(self, office: Office):
        office.works("intake")

        office.registers()

        until(lambda: scraped("caretrail_published_events_total", service="intake") > 0)
        until(lambda: scraped("caretrail_unpublished_events", service="intake") == 0)
        assert scraped("caretrail_oldest_unpublished_seconds", service="intake") == 0

    def test_counts_messages_that_found_no_queue(self, office: Office, rabbitmq_vhost: str):
        office.registers()
        intake, watching = office.services["intake"], Supervisor(give_up=lambda: None)
        intake.watched.relay = Relay("intake", intake.recorder, rabbitmq_vhost)

        watching.start("intake-relay", intake.watched.relay.run)

        until(lambda: scraped("caretrail_unpublished_events", service="intake") == 0)
        published = scraped("caretrail_published_events_total", service="intake")
        assert published == scraped("caretrail_unroutable_messages_total", service="intake") > 0
        assert watching.stop() == []


class TestWhatWaits:
    def test_shows_parked_events_and_those_behind_them(self, office: Office):
        office.works("intake", "history")
        patient = office.registers()

        office.knows_more(patient)
        office.knows_more(patient)

        parked = {"service": "history", "upstream": "intake"}
        until(lambda: scraped("caretrail_parked_events", **parked) == 2)
        office.later(NINE + timedelta(minutes=5))
        assert scraped("caretrail_inbox_events_total", service="history", outcome="parked") == 2
        assert scraped("caretrail_oldest_parked_seconds", service="history") == pytest.approx(300, abs=1)
        # Of a type that nobody here knows nobody can tell; so it counts among them.
        assert scraped("caretrail_safety_events_waiting", service="history") == 2
        assert scraped("caretrail_oldest_safety_event_seconds", service="history") == pytest.approx(300, abs=1)

    def test_shows_refused_reactions_until_somebody_deals_with_them(self, office: Office):
        office.works("referral")
        refused = uuid4()

        recorder = office.services["referral"].recorder
        recorder.write(Commit(rows=[a_refused_reaction(refused)]))

        office.later(NINE + timedelta(days=1))
        assert scraped("caretrail_refused_reactions", service="referral") == 1
        assert scraped("caretrail_oldest_refused_reaction_seconds", service="referral") == 86400
        recorder.write(Commit(rows=[Replace(refused_reactions, {"aggregate_id": refused}, [])]))
        assert scraped("caretrail_refused_reactions", service="referral") == 0

    def test_counts_what_is_not_ours(self, office: Office):
        office.works("referral")
        until(office.services["referral"].listener.ready.is_set)

        with connect("memory://") as connection:
            producer = Producer(connection.default_channel, exchange=EXCHANGE)
            producer.publish(b"junk", routing_key="intake.0", content_type="text/plain", content_encoding="binary")

        until(lambda: scraped("caretrail_foreign_messages_total", service="referral") == 1)


def a_refused_reaction(id: UUID) -> Replace:
    row = {
        "aggregate_id": id,
        "policy": "ask_for_clearance",
        "cause": "cause-1",
        "reason": "This referral is closed.",
        "refused_at": NINE,
    }
    return Replace(refused_reactions, {"aggregate_id": id}, [row])


class TestTimers:
    def test_that_are_due_while_nobody_fires_them_are_shown(self, office: Office):
        office.works("monitoring")
        office.rests("monitoring")
        assert scraped("caretrail_oldest_timer_overdue_seconds", service="monitoring") == 0

        office.services["monitoring"].recorder.write(Commit(rows=[a_timer(due_at=NINE - timedelta(minutes=10))]))

        assert scraped("caretrail_oldest_timer_overdue_seconds", service="monitoring") == 600

    def test_that_fail_are_counted(self, office: Office):
        office.services["monitoring"].recorder.write(Commit(rows=[a_timer(due_at=NINE)]))

        office.works("monitoring")

        until(lambda: scraped("caretrail_timers_total", service="monitoring", outcome="failed") > 0)
        assert scraped("caretrail_timers_total", service="monitoring", outcome="fired") == 0


def a_timer(due_at: datetime) -> Replace:
    """A timer whose cause nobody finds."""
    id, (timer, *_) = uuid4(), service_named("monitoring").timers
    row = {"aggregate_id": id, "due_at": due_at, "set_by": f"{uuid4()}-1"}
    return Replace(timer.table, {"aggregate_id": id}, [row])


class TestLoops:
    def test_are_counted_when_they_begin_anew(self, office: Office):
        office.works("intake")
        died = threading.Event()

        def dies_once(stop: threading.Event, beat: object) -> None:
            if not died.is_set():
                died.set()
                raise RuntimeError("a bug")
            stop.wait()

        office.supervisor_of("intake").start("intake-clock", dies_once)

        until(lambda: scraped("caretrail_loop_restarts_total", service="intake", loop="clock") == 1)
        assert scraped("caretrail_loop_restarts_total", service="intake", loop="relay") == 0

    def test_are_shown_when_they_stand_still(self, office: Office, monkeypatch: pytest.MonkeyPatch):
        office.works("intake")
        assert scraped("caretrail_loop_stuck", service="intake") == 0

        monkeypatch.setattr(supervisor, "STUCK_AFTER", -1.0)

        assert scraped("caretrail_loop_stuck", service="intake", loop="relay") == 1


class TestWriting:
    def test_is_measured_by_batch_and_by_commit(self, office: Office):
        with ThreadPoolExecutor(8) as desks:
            list(desks.map(lambda _: office.registers(), range(24)))

        assert scraped("caretrail_batch_commits_sum", service="intake") == 24
        assert 1 <= scraped("caretrail_batch_commits_count", service="intake") <= 24
        assert scraped("caretrail_append_seconds_count", service="intake") == 24
        assert scraped("caretrail_append_seconds_sum", service="intake") > 0

    def test_leaves_nothing_waiting(self, office: Office):
        office.registers()

        assert scraped("caretrail_commits_waiting", service="intake") == 0
        assert scraped("caretrail_connections_in_use", service="intake") >= 1

    def test_counts_causes_from_the_future(self, office: Office):
        recorder = office.services["intake"].recorder

        recorder.write(Commit(floor=NINE + timedelta(hours=1)))

        assert scraped("caretrail_floors_ignored_total", service="intake") == 1


class TestRequests:
    def test_are_timed_by_route(self, office: Office):
        with office.client("intake") as client:
            client.get("/livez")
            before = scraped("caretrail_http_seconds_count", service="intake")
            client.get("/livez")

        assert scraped("caretrail_http_seconds_count", service="intake", endpoint="health.livez") >= 1
        assert scraped("caretrail_http_seconds_count", service="intake") == before + 1

    def test_for_what_is_not_there_share_one_label(self, office: Office):
        with office.client("intake") as client:
            for _ in range(20):
                client.get(f"/v1/{uuid4()}/{uuid4()}")
                client.request("BREW", f"/v1/patients/{uuid4()}")

        page = metrics.exposition().decode()
        assert scraped("caretrail_http_requests_total", service="intake", endpoint="none") >= 40
        assert len([line for line in page.splitlines() if 'endpoint="none",service="intake"' in line]) < 30
        assert "BREW" not in page
