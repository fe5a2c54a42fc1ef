"""COMMITs whose answers get lost, many times, with many commands in each batch, seen by the callers over HTTP."""

from collections.abc import Iterator, Sequence
from copy import copy
from pathlib import Path
from typing import Any

import pytest

from shared.eventlog import Commit
from shared.eventlog.postgres import _AnswerLost
from tests.eventlog.bakery import at_once
from tests.eventlog.proxy import Cut, LossyProxy
from tests.eventlog.results import write_down
from tests.http.bakery import ANNA, CUSTOMER, metadata
from tests.http.log import a_postgres_log
from tests.http.shop import Shop

THREADS = 16


@pytest.fixture
def proxy(postgres_admin_url: str) -> Iterator[LossyProxy]:
    with a_postgres_log(postgres_admin_url, metadata) as log:
        opened = LossyProxy(log.emptied())
        yield opened
        opened.close()


class Caller:
    """Sends every command under its key until it is answered; others send the same ones at the same time."""

    def __init__(self, shop: Shop):
        self._shop = copy(shop)
        self._shop.client = shop.app.test_client()
        self.heard: dict[str, tuple[int, Any]] = {}
        self.repeats = 0

    def order(self, key: str) -> None:
        while True:
            answer = self._shop.post("/v1/orders", {"patient_id": str(CUSTOMER), "loaves": 2}, key=key)
            if answer.status_code != 503:
                break
            assert "Retry-After" in answer.headers
            self.repeats += 1
        self.heard[key] = (answer.status_code, answer.get_json())


def ordeal(proxy: LossyProxy, folder: Path, cuts: int, keys: int) -> dict[str, object]:
    """Let sixteen callers order while answers get lost, each key by two of them; check what each heard."""
    shop = Shop(folder, log_url=proxy.url)
    shop.let_into_the_team(ANNA, CUSTOMER)
    lost = batches_lost(shop)
    callers = [Caller(shop) for _ in range(THREADS)]
    proxy.cut_next(*[Cut.BEFORE_THE_ANSWER] * cuts)

    def work(number: int) -> None:
        for key in range(number // 2, keys, THREADS // 2):
            callers[number].order(f"order-{key:06}")

    raised = at_once(THREADS, work)

    assert raised == [None] * THREADS
    everything = [(key, heard) for caller in callers for key, heard in caller.heard.items()]
    assert {status for _, (status, _) in everything} == {201}, "a false conflict, or a refusal"
    first_answers = dict(everything)
    assert all(heard == first_answers[key] for key, heard in everything), "two answers to one key"
    recorded = [event.originator_id for event in shop.bakery.recorder.read(limit=100_000)]
    assert len(recorded) == len(set(recorded)) == keys, "a command was doubled or lost"
    assert {str(id) for id in recorded} == {body["id"] for _, body in first_answers.values()}
    shop.bakery.close()
    repeats = sum(caller.repeats for caller in callers)
    batches = {"largest_batch_lost": max(lost), "batches_of_several_lost": sum(size > 1 for size in lost)}
    return {"cuts": proxy.cuts, "keys": keys, "answers": len(everything), "repeats_after_503": repeats, **batches}


def batches_lost(shop: Shop) -> list[int]:
    """Note how many commands were in each batch whose answer got lost."""
    recorder, lost = shop.bakery.recorder, []
    attempt = recorder._attempt

    def noted(commits: Sequence[Commit]) -> Any:
        try:
            return attempt(commits)
        except _AnswerLost:
            lost.append(len(commits))
            raise

    recorder._attempt = noted
    return lost


class TestLostAnswers:
    def test_under_load_give_everybody_the_first_answer(self, proxy, tmp_path):
        seen = ordeal(proxy, tmp_path, cuts=10, keys=96)

        assert seen["cuts"] == 10
        assert seen["batches_of_several_lost"] > 0

    @pytest.mark.long
    @pytest.mark.timeout(600)
    def test_a_hundred_times_give_everybody_the_first_answer(self, proxy, tmp_path, results_folder):
        seen = ordeal(proxy, tmp_path, cuts=100, keys=2_000)

        write_down(results_folder, "lost-commit-answers", **seen)
        assert seen["cuts"] == 100
        assert seen["batches_of_several_lost"] > 10
