"""Callers: tokens, roles, relations (cases 43, 67 to 84 of the catalogue of bad input)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from shared.http import routes_without_row
from shared.identity import KeysUnreachable, ServiceTokens
from tests.http.bakery import ACCESS, ANNA, BERT, CUSTOMER, NOW, OTHER_CUSTOMER, Bakery
from tests.http.shop import Shop
from tests.identity.tokens import HOSTILE

BODY = {"patient_id": str(CUSTOMER), "loaves": 2}


class TestToken:
    def test_is_needed_before_anything_else_is_looked_at(self, shop: Shop):
        answer = shop.client.post("/v1/orders", data=b"{", content_type="text/plain")

        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="caretrail"'

    @pytest.mark.parametrize("case", [case for case in HOSTILE if case not in ("not ASCII",)])
    def test_that_is_hostile_is_answered_401(self, shop: Shop, case: str):
        token = HOSTILE[case](shop.keys.signing_key("identity"))

        answer = shop.get("/v1/orders", token=token)

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="caretrail", error="invalid_token"'

    @pytest.mark.parametrize("header", ["Basic YW5uYTpwdw==", "Bearer", "Bearer ", "bearer  ", "Token abc", "abc"])
    def test_of_another_kind_is_answered_401(self, shop: Shop, header: str):
        assert shop.client.get("/v1/orders", headers={"Authorization": header}).status_code == 401

    def test_in_the_query_is_answered_401(self, shop: Shop):
        assert shop.client.get(f"/v1/orders?access_token={shop.token()}").status_code == 401

    def test_given_twice_is_answered_400(self, shop: Shop):
        headers = [("Authorization", f"Bearer {shop.token()}"), ("Authorization", f"Bearer {shop.token(BERT)}")]

        assert shop.client.get("/v1/orders", headers=headers).status_code == 400

    def test_ends(self, shop: Shop):
        token = shop.token()

        shop.clock.forward(timedelta(minutes=31))

        assert shop.get("/v1/orders", token=token).status_code == 401

    def test_that_nobody_can_check_now_is_answered_503(self, shop: Shop, monkeypatch):
        def unreachable(_kid):
            raise KeysUnreachable("https://id.example/jwks.json")

        monkeypatch.setattr("shared.identity.StaticKeys.keys_for", lambda self, kid: unreachable(kid))

        answer = shop.get("/v1/orders")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


class TestRole:
    def test_that_is_missing_is_answered_403(self, shop: Shop):
        answer = shop.post("/v1/orders", BODY, token=shop.token(ANNA, "physician"))

        assert answer.status_code == 403
        assert answer.content_type == "application/problem+json"

    def test_that_nobody_knows_is_answered_403(self, shop: Shop):
        assert shop.get("/v1/orders", token=shop.token(ANNA, "emperor")).status_code == 403

    def test_is_looked_at_before_the_body(self, shop: Shop):
        assert shop.post("/v1/orders", b"{", token=shop.token(ANNA, "physician")).status_code == 403

    def test_without_a_row_is_answered_403_for_everybody(self, shop: Shop):
        assert shop.get("/v1/forgotten").status_code == 403

    def test_service_is_for_services(self, shop: Shop):
        mill = ServiceTokens("mill", shop.keys.signing_key("mill"), "caretrail", shop.clock)

        assert shop.get("/v1/heads", token=mill.bearer()).status_code == 200
        assert shop.get("/v1/heads").status_code == 403
        assert shop.get("/v1/orders", token=mill.bearer()).status_code == 403

    def test_in_which_the_caller_acts_is_recorded(self, shop: Shop):
        shop.post("/v1/orders", BODY, token=shop.token(ANNA, "physician", "care-coordinator"))

        order = shop.get("/v1/orders").get_json()["items"][0]["aggregate_id"]
        (event,) = shop.bakery.events.get(UUID(order))
        assert event.actor.role == "care-coordinator"


class TestRelation:
    def test_that_is_missing_is_answered_like_an_unknown_id(self, shop: Shop):
        order = shop.an_order()

        hidden = shop.get(f"/v1/orders/{order['id']}", token=shop.token(BERT))
        unknown = shop.get(f"/v1/orders/{uuid4()}", token=shop.token(BERT))

        assert (hidden.status_code, unknown.status_code) == (404, 404)
        assert without_id(hidden.get_json()) == without_id(unknown.get_json())
        assert sorted(hidden.headers.keys()) == sorted(unknown.headers.keys())

    def test_is_looked_at_before_the_body(self, shop: Shop):
        order = shop.an_order()

        answer = shop.post(f"/v1/orders/{order['id']}/change", b"{", token=shop.token(BERT))

        assert answer.status_code == 404

    def test_holds_for_every_command(self, shop: Shop):
        order = shop.an_order()

        for path, body in (("change", {"loaves": 1}), ("bake", None)):
            answer = shop.post(
                f"/v1/orders/{order['id']}/{path}", body, token=shop.token(BERT), headers={"If-Match": '"1"'}
            )
            assert answer.status_code == 404
        assert shop.events() == 1

    def test_that_has_ended_is_answered_404_while_the_token_lives(self, shop: Shop):
        order = shop.an_order()

        shop.let_into_the_team(ANNA, CUSTOMER, until=NOW)

        assert shop.get(f"/v1/orders/{order['id']}").status_code == 404
        assert shop.get("/v1/orders").get_json()["items"] == []

    def test_that_will_end_holds_until_then(self, shop: Shop):
        order = shop.an_order()
        shop.let_into_the_team(ANNA, CUSTOMER, until=NOW + timedelta(minutes=10))
        assert shop.get(f"/v1/orders/{order['id']}").status_code == 200

        shop.clock.forward(timedelta(minutes=10))

        assert shop.get(f"/v1/orders/{order['id']}").status_code == 404

    def test_of_patients_is_to_themselves_alone(self, shop: Shop):
        order = shop.an_order()
        shop.let_into_the_team("paul", CUSTOMER)

        assert (
            shop.get(f"/v1/orders/{order['id']}", token=shop.token("paula", "patient", patient_id=CUSTOMER)).status_code
            == 200
        )
        assert (
            shop.get(
                f"/v1/orders/{order['id']}", token=shop.token("paul", "patient", patient_id=OTHER_CUSTOMER)
            ).status_code
            == 404
        )
        assert shop.get(f"/v1/orders/{order['id']}", token=shop.token("paul", "patient")).status_code == 404

    def test_is_not_asked_of_auditors(self, shop: Shop):
        order = shop.an_order()

        assert shop.get(f"/v1/orders/{order['id']}", token=shop.token("ada", "auditor")).status_code == 200

    def test_that_a_route_forgot_to_look_at_gives_nothing_away(self, shop: Shop):
        order = shop.an_order()

        answer = shop.get(f"/v1/careless/{order['id']}")

        assert answer.status_code == 500
        assert "loaves" not in answer.get_data(as_text=True)


def without_id(problem: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in problem.items() if name != "instance"}


class TestRequestWithinARequest:
    def test_has_its_own_caller(self, shop: Shop, monkeypatch):
        order, bake, within = shop.an_order(), Bakery.bake, []

        def bake_while_bert_asks(self, context, order_id):
            within.append(shop.get(f"/v1/orders/{order_id}", token=shop.token(BERT)).status_code)
            return bake(self, context, order_id)

        monkeypatch.setattr(Bakery, "bake", bake_while_bert_asks)
        answer = shop.post(f"/v1/orders/{order['id']}/bake")

        assert within == [404]
        assert answer.status_code == 200
        *_, baked = shop.bakery.events.get(UUID(order["id"]))
        assert (baked.actor.id, baked.causation_id) == ("anna", answer.headers["X-Request-ID"])


class TestTableOfAccess:
    def test_lists_what_it_does_not_know(self, shop: Shop):
        assert routes_without_row(shop.app) == ["/v1/forgotten (forgotten)"]

    def test_names_no_route_that_is_not_there(self, shop: Shop):
        views = {endpoint.rpartition(".")[2] for endpoint in shop.app.view_functions}

        assert set(ACCESS) - views == set()
