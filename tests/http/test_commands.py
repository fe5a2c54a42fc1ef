"""Commands: one answer per Idempotency-Key, versions that must match, refusals by a rule (cases 35 to 44)."""

import threading
from uuid import UUID, uuid4

import pytest

from tests.http.bakery import ANNA, BERT, CUSTOMER, NOW, OTHER_CUSTOMER, Bakery, Order
from tests.http.shop import Shop


@pytest.fixture
def shop(shop_on_either: Shop) -> Shop:
    """What is stored behaves alike on both databases."""
    return shop_on_either


BODY = {"patient_id": str(CUSTOMER), "loaves": 2}


class TestIdempotencyKey:
    def test_gives_a_repeat_the_first_answer_and_records_nothing(self, shop: Shop):
        first = shop.post("/v1/orders", BODY, key="k-1")

        again = shop.post("/v1/orders", BODY, key="k-1")

        assert (again.status_code, again.get_json()) == (201, first.get_json())
        assert again.headers["Location"] == first.headers["Location"] == f"/v1/orders/{first.get_json()['id']}"
        assert again.headers["ETag"] == first.headers["ETag"] == '"1"'
        assert again.headers["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first.headers
        assert shop.events() == 1

    def test_gives_the_version_of_that_time_however_things_went_on(self, shop: Shop):
        order = shop.an_order()
        first = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3}, key="k-2", headers={"If-Match": '"1"'})
        shop.post(f"/v1/orders/{order['id']}/bake")

        again = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3}, key="k-2", headers={"If-Match": '"1"'})

        assert again.get_json() == first.get_json()
        assert (again.get_json()["version"], again.get_json()["baked"]) == (2, False)

    def test_knows_a_body_by_what_it_says(self, shop: Shop):
        shop.post("/v1/orders", f'{{"patient_id":"{CUSTOMER}","loaves":2}}'.encode(), key="k-1")

        again = shop.post("/v1/orders", f'{{ "loaves": 2, "patient_id": "{CUSTOMER}" }}'.encode(), key="k-1")

        assert again.headers["Idempotency-Replayed"] == "true"

    def test_used_for_another_body_is_answered_422(self, shop: Shop):
        shop.post("/v1/orders", BODY, key="k-1")

        answer = shop.post("/v1/orders", {**BODY, "loaves": 3}, key="k-1")

        assert (answer.status_code, answer.get_json()["type"]) == (422, "urn:caretrail:problem:key-reused")
        assert shop.events() == 1

    def test_used_for_another_order_is_answered_422(self, shop: Shop):
        orders = [shop.an_order(), shop.an_order()]
        shop.post(f"/v1/orders/{orders[0]['id']}/bake", key="k-1")

        assert shop.post(f"/v1/orders/{orders[1]['id']}/bake", key="k-1").status_code == 422

    def test_belongs_to_one_caller(self, shop: Shop):
        shop.let_into_the_team(BERT, CUSTOMER)
        shop.post("/v1/orders", BODY, key="k-1")

        answer = shop.post("/v1/orders", {**BODY, "loaves": 3}, key="k-1", token=shop.token(BERT))

        assert (answer.status_code, answer.get_json()["loaves"]) == (201, 3)

    def test_shows_nothing_to_whoever_has_left_the_team(self, shop: Shop):
        shop.post("/v1/orders", BODY, key="k-1")
        shop.let_into_the_team(ANNA, CUSTOMER, until=NOW)

        assert shop.post("/v1/orders", BODY, key="k-1").status_code == 404

    @pytest.mark.parametrize("key", ["", "k" * 201, "a b", "a\tb", "schlüssel"])
    def test_of_the_wrong_form_is_answered_400(self, shop: Shop, key: str):
        answer = shop.post("/v1/orders", BODY, headers={"Idempotency-Key": key})

        assert answer.status_code == 400
        assert answer.get_json()["errors"][0]["header"] == "Idempotency-Key"

    def test_is_required(self, shop: Shop):
        assert shop.send("POST", "/v1/orders", json=BODY).status_code == 400

    def test_of_200_characters_is_taken(self, shop: Shop):
        assert shop.post("/v1/orders", BODY, key="k" * 200).status_code == 201

    def test_is_not_kept_for_a_refused_command(self, shop: Shop):
        order = shop.an_order()
        refused = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 0}, key="k-1", headers={"If-Match": '"1"'})

        mended = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 1}, key="k-1", headers={"If-Match": '"1"'})

        assert (refused.status_code, mended.status_code) == (422, 200)

    def test_of_two_requests_at_once_gives_both_the_same_answer(self, shop: Shop, monkeypatch):
        both_have_looked = threading.Barrier(2, timeout=10)
        take, answers = Bakery.take, []

        def take_when_both_have_looked(self, *args, **kwargs):
            both_have_looked.wait()
            return take(self, *args, **kwargs)

        monkeypatch.setattr(Bakery, "take", take_when_both_have_looked)
        threads = [
            threading.Thread(target=lambda: answers.append(shop.post("/v1/orders", BODY, key="k-1"))) for _ in "ab"
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].get_json() == answers[1].get_json()
        assert sorted(answer.headers.get("Idempotency-Replayed", "false") for answer in answers) == ["false", "true"]
        assert shop.events() == 1

    def test_gives_the_first_answer_to_a_repeat_that_finds_the_step_already_taken(self, shop: Shop, monkeypatch):
        order, bake, overtaken = shop.an_order(), Bakery.bake, []

        def bake_after_the_same_request_was_answered(self, *args):
            if not overtaken:
                overtaken.append(True)
                overtaken.append(shop.app.test_client().post(**request))
            return bake(self, *args)

        request = {
            "path": f"/v1/orders/{order['id']}/bake",
            "headers": {"Authorization": f"Bearer {shop.token()}", "Idempotency-Key": "k-1"},
        }
        monkeypatch.setattr(Bakery, "bake", bake_after_the_same_request_was_answered)
        answer = shop.client.post(**request)

        assert (answer.status_code, overtaken[1].status_code) == (200, 200)
        assert answer.headers["Idempotency-Replayed"] == "true"
        assert answer.get_json() == overtaken[1].get_json()
        assert shop.events() == 2


class Meanwhile:
    """Changes an order behind a command's back, between its loading and its saving, a number of times."""

    def __init__(self, shop: Shop, order_id: str, times: int, monkeypatch: pytest.MonkeyPatch):
        self.left = times
        save = Bakery.save

        def save_behind_its_back(application, *aggregates, **words):
            if self.left and aggregates:
                self.left -= 1
                other = application.get(Order, UUID(order_id), aggregates[0].context.__class__(**plain(aggregates[0])))
                other.change(loaves=50 + self.left)
                save(application, other)
            return save(application, *aggregates, **words)

        monkeypatch.setattr(Bakery, "save", save_behind_its_back)


def plain(aggregate: Order) -> dict[str, object]:
    return {**vars(aggregate.context), "key": None}


class TestVersions:
    def test_must_be_stated_where_two_people_can_edit(self, shop: Shop):
        order = shop.an_order()

        answer = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3})

        assert answer.status_code == 428

    @pytest.mark.parametrize("stated", ['"1"', '"3"', "2", "*", 'W/"2"', '"2", "1"', '""', "garbage"])
    def test_that_are_not_the_present_one_are_answered_412(self, shop: Shop, stated: str):
        order = shop.an_order()
        shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3}, headers={"If-Match": '"1"'})

        answer = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 4}, headers={"If-Match": stated})

        assert (answer.status_code, answer.get_json()["current_version"]) == (412, 2)
        assert answer.headers["ETag"] == '"2"'
        assert shop.events() == 2

    def test_that_match_let_the_change_through(self, shop: Shop):
        order = shop.an_order()

        answer = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3}, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.get_json()["loaves"], answer.headers["ETag"]) == (200, 3, '"2"')

    def test_that_change_behind_the_callers_back_are_answered_412(self, shop: Shop, monkeypatch):
        order = shop.an_order()
        Meanwhile(shop, order["id"], 1, monkeypatch)

        answer = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3}, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.get_json()["current_version"]) == (412, 2)

    def test_that_change_between_the_check_and_the_loading_are_answered_412(self, shop: Shop, monkeypatch):
        order, change = shop.an_order(), Bakery.change

        def change_after_somebody_else(self, context, order_id, version, loaves):
            monkeypatch.setattr(Bakery, "change", change)
            shop.post(f"/v1/orders/{order_id}/change", {"loaves": 9}, headers={"If-Match": '"1"'})
            return change(self, context, order_id, version, loaves)

        monkeypatch.setattr(Bakery, "change", change_after_somebody_else)
        answer = shop.post(f"/v1/orders/{order['id']}/change", {"loaves": 3}, headers={"If-Match": '"1"'})

        assert (answer.status_code, answer.get_json()["current_version"]) == (412, 2)
        assert shop.get(f"/v1/orders/{order['id']}").get_json()["loaves"] == 9

    def test_need_not_be_stated_elsewhere_and_a_conflict_is_tried_again(self, shop: Shop, monkeypatch):
        order = shop.an_order()
        Meanwhile(shop, order["id"], 2, monkeypatch)

        answer = shop.post(f"/v1/orders/{order['id']}/bake")

        assert (answer.status_code, answer.get_json()["version"], answer.get_json()["loaves"]) == (200, 4, 50)

    def test_that_conflict_again_and_again_are_answered_409(self, shop: Shop, monkeypatch):
        order = shop.an_order()
        Meanwhile(shop, order["id"], 3, monkeypatch)

        answer = shop.post(f"/v1/orders/{order['id']}/bake")

        assert (answer.status_code, answer.get_json()["type"]) == (409, "urn:caretrail:problem:changed-meanwhile")


class TestCommand:
    def test_refused_by_a_rule_is_answered_409_with_the_steps_that_are_allowed(self, shop: Shop):
        order = shop.an_order()
        shop.post(f"/v1/orders/{order['id']}/bake")

        answer = shop.post(f"/v1/orders/{order['id']}/bake")

        problem = answer.get_json()
        assert answer.status_code == 409
        assert answer.content_type == "application/problem+json"
        assert (problem["type"], problem["allowed"]) == ("urn:caretrail:problem:baked", ["hand-over"])
        assert problem["detail"] == "The bread is baked."
        assert problem["instance"] == f"urn:uuid:{answer.headers['X-Request-ID']}"

    def test_for_something_unknown_is_answered_404(self, shop: Shop):
        assert shop.post(f"/v1/orders/{uuid4()}/bake").status_code == 404

    def test_for_somebody_elses_customer_is_answered_404_and_records_nothing(self, shop: Shop):
        assert shop.post("/v1/orders", {**BODY, "patient_id": str(OTHER_CUSTOMER)}).status_code == 404
        assert shop.events() == 0

    def test_that_the_log_cannot_take_is_answered_503(self, shop: Shop):
        order = shop.an_order()
        shop.bakery.unavailable = True

        answer = shop.post(f"/v1/orders/{order['id']}/bake")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")

    def test_is_stamped_with_caller_time_conversation_and_cause(self, shop: Shop):
        conversation = "99999999-9999-4999-8999-999999999999"

        answer = shop.post("/v1/orders", BODY, headers={"X-Correlation-ID": conversation})

        (event,) = shop.bakery.events.get(UUID(answer.get_json()["id"]))
        assert (event.actor.id, event.actor.role, event.occurred_at) == ("anna", "care-coordinator", NOW)
        assert str(event.correlation_id) == conversation
        assert event.causation_id == answer.headers["X-Request-ID"]
        assert event.hops == 0

    def test_with_a_conversation_that_is_no_uuid_is_answered_400(self, shop: Shop):
        assert shop.post("/v1/orders", BODY, headers={"X-Correlation-ID": "mine"}).status_code == 400
