"""Reading: pages, queries, negotiation, versions (cases 56 to 65 of the catalogue of bad input)."""

from datetime import timedelta
from itertools import chain
from uuid import UUID

import pytest

from tests.http.bakery import ANNA, BERT, CUSTOMER, OTHER_CUSTOMER
from tests.http.shop import Shop


@pytest.fixture
def shop(shop_on_either: Shop) -> Shop:
    """What is stored behaves alike on both databases."""
    return shop_on_either


def all_pages(shop: Shop, path: str, token: str | None = None) -> list[list[str]]:
    """Follow `next` to the end, and give the ids of each page."""
    pages = []
    while path:
        answer = shop.get(path, token=token).get_json()
        pages.append([item["aggregate_id"] for item in answer["items"]])
        path = answer["next"]
    return pages


def joined(pages: list[list[str]]) -> list[str]:
    return list(chain.from_iterable(pages))


class TestList:
    def test_gives_every_row_once_in_order_page_by_page(self, shop: Shop):
        ids = []
        for minutes in range(5):
            ids.append(shop.an_order()["id"])
            shop.clock.forward(timedelta(minutes=minutes % 2))

        pages = all_pages(shop, "/v1/orders?limit=2")

        assert [len(page) for page in pages] == [2, 2, 1]
        assert sorted(joined(pages)) == sorted(ids)
        assert joined(pages)[4] == ids[4]

    def test_names_the_next_page_in_a_link_too(self, shop: Shop):
        shop.an_order(), shop.an_order()

        answer = shop.get("/v1/orders?limit=1")
        last = shop.get(answer.get_json()["next"])

        assert answer.headers["Link"] == f'<{answer.get_json()["next"]}>; rel="next"'
        assert "Link" not in last.headers
        assert last.get_json()["next"] is None

    def test_is_not_disturbed_by_rows_that_come_and_go(self, shop: Shop):
        first, second, third = (shop.an_order(loaves=number)["id"] for number in (1, 2, 3))
        order = sorted([first, second, third])
        page = shop.get("/v1/orders?limit=2").get_json()

        shop.clock.forward(timedelta(minutes=-1))
        shop.an_order()

        assert [item["aggregate_id"] for item in page["items"]] == order[:2]
        assert all_pages(shop, page["next"]) == [[order[2]]]

    def test_shows_only_the_callers_customers(self, shop: Shop):
        shop.let_into_the_team(BERT, OTHER_CUSTOMER)
        mine = shop.an_order()["id"]
        shop.post("/v1/orders", {"patient_id": str(OTHER_CUSTOMER), "loaves": 1}, token=shop.token(BERT))

        assert all_pages(shop, "/v1/orders") == [[mine]]
        assert len(all_pages(shop, "/v1/orders", shop.token("ada", "auditor"))[0]) == 2

    def test_shows_patients_themselves_alone(self, shop: Shop):
        order = shop.an_order()["id"]

        assert all_pages(shop, "/v1/orders", shop.token("paula", "patient", patient_id=CUSTOMER)) == [[order]]
        assert all_pages(shop, "/v1/orders", shop.token("paul", "patient", patient_id=OTHER_CUSTOMER)) == [[]]
        assert all_pages(shop, "/v1/orders", shop.token("nobody", "patient")) == [[]]

    def test_can_be_filtered(self, shop: Shop):
        shop.an_order(loaves=2)
        wanted = [shop.an_order(loaves=7)["id"] for _ in range(3)]

        assert sorted(joined(all_pages(shop, "/v1/orders?loaves=7&limit=2"))) == sorted(wanted)

    def test_asks_nothing_but_the_page_unless_told_otherwise(self, shop: Shop):
        first = shop.get("/v1/flours?limit=1").get_json()
        second = shop.get(first["next"]).get_json()

        assert [first["items"], second["items"]] == [[{"flour": "rye"}], [{"flour": "wheat"}]]
        assert second["next"] is None
        assert shop.get("/v1/flours?loaves=1").status_code == 400

    @pytest.mark.parametrize(
        "query",
        [
            "limit=0",
            "limit=-1",
            "limit=1000000000",
            "limit=201",
            "limit=x",
            "limit=",
            "limit=1.0",
            "limit=%D9%A1",
            "limit=1_0",
            "limit=+1",
            "limit=1&limit=2",
            "loaves=1&loaves=1",
            "sort=taken_at",
            "customer_id=11111111-1111-4111-8111-111111111111",
            "after=abc",
            "after=",
            "loaves=x",
        ],
    )
    def test_refuses_a_query_that_it_does_not_know(self, shop: Shop, query: str):
        answer = shop.get(f"/v1/orders?{query}")

        assert answer.status_code == 400
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["errors"][0]["parameter"] == query.partition("=")[0]

    @pytest.mark.parametrize("limit", [1, 200])
    def test_takes_the_least_and_the_largest_page(self, shop: Shop, limit: int):
        assert shop.get(f"/v1/orders?limit={limit}").status_code == 200


class TestCursor:
    @pytest.fixture
    def next_page(self, shop: Shop) -> str:
        shop.an_order(loaves=7), shop.an_order(loaves=7)
        address: str = shop.get("/v1/orders?loaves=7&limit=1").get_json()["next"]
        return address

    def test_leads_on(self, shop: Shop, next_page: str):
        assert shop.get(next_page).status_code == 200

    def test_that_was_altered_is_answered_400(self, shop: Shop, next_page: str):
        altered = next_page[:-1] + ("A" if next_page[-1] != "A" else "B")

        assert shop.get(altered).status_code == 400

    def test_of_another_caller_is_answered_400(self, shop: Shop, next_page: str):
        shop.let_into_the_team(BERT, CUSTOMER)

        assert shop.get(next_page, token=shop.token(BERT)).status_code == 400

    def test_of_other_filters_is_answered_400(self, shop: Shop, next_page: str):
        assert shop.get(next_page.replace("loaves=7", "loaves=8")).status_code == 400


class TestOne:
    def test_carries_its_version(self, shop: Shop):
        order = shop.an_order()

        answer = shop.get(f"/v1/orders/{order['id']}")

        assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
        assert answer.get_json() == order

    @pytest.mark.parametrize("known", ['"1"', 'W/"1"', '"0", "1"', "*"])
    def test_is_not_sent_again_to_whoever_has_this_version(self, shop: Shop, known: str):
        order = shop.an_order()

        answer = shop.get(f"/v1/orders/{order['id']}", headers={"If-None-Match": known})

        assert (answer.status_code, answer.data) == (304, b"")

    @pytest.mark.parametrize("header", [{"If-None-Match": "garbage"}, {"Range": "bytes=0-1"}, {"Range": "garbage"}])
    def test_bears_garbage_in_conditions(self, shop: Shop, header: dict[str, str]):
        order = shop.an_order()

        answer = shop.get(f"/v1/orders/{order['id']}", headers=header)

        assert (answer.status_code, answer.get_json()) == (200, order)

    def test_is_found_under_an_id_in_upper_case(self, shop: Shop):
        order = shop.an_order()

        assert shop.get(f"/v1/orders/{order['id'].upper()}").get_json() == order

    @pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0"])
    def test_in_a_form_that_is_not_offered_is_answered_406(self, shop: Shop, accept: str):
        assert shop.get(f"/v1/orders/{CUSTOMER}", headers={"Accept": accept}).status_code == 406

    @pytest.mark.parametrize("accept", ["*/*", "application/*", "text/html, application/json;q=0.5"])
    def test_in_a_form_that_is_offered_is_given(self, shop: Shop, accept: str):
        order = shop.an_order()

        assert shop.get(f"/v1/orders/{order['id']}", headers={"Accept": accept}).status_code == 200

    def test_takes_no_query(self, shop: Shop):
        order = shop.an_order()

        assert shop.get(f"/v1/orders/{order['id']}?verbose=1").status_code == 400


class TestAddress:
    @pytest.mark.parametrize(
        "path",
        [
            "/v1/orders/",
            "/v1//orders",
            "//v1/orders",
            "/v1/orders;x",
            "/v1/orders/../orders",
            "/v1/%2e%2e/v1/orders",
            "/v1/%252e%252e/orders",
            "/v1/orders/not-a-uuid",
            "/v1/orders/{11111111-1111-4111-8111-111111111111}",
            "/v1/ORDERS",
            "/v2/orders",
            "/v1/orders%00",
        ],
    )
    def test_that_is_not_exactly_a_route_is_answered_404(self, shop: Shop, path: str):
        answer = shop.get(path)

        assert answer.status_code == 404
        assert answer.content_type == "application/problem+json"

    @pytest.mark.parametrize("method", ["TRACE", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"])
    def test_takes_no_other_method(self, shop: Shop, method: str):
        answer = shop.send(method, "/v1/orders")

        assert answer.status_code == 405
        assert answer.content_type == "application/problem+json"
        assert sorted(answer.headers["Allow"].split(", ")) == ["GET", "HEAD", "POST"]


class TestFailure:
    def test_tells_nothing_but_the_requests_id(self, shop: Shop):
        answer = shop.get("/v1/broken")

        assert answer.status_code == 500
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["instance"] == f"urn:uuid:{answer.headers['X-Request-ID']}"
        assert "Smith" not in answer.get_data(as_text=True)
        assert "Traceback" not in answer.get_data(as_text=True)

    def test_names_each_request_by_an_id_of_its_own(self, shop: Shop):
        ids = [shop.get("/v1/orders", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"] for _ in range(2)]

        assert len({UUID(given) for given in ids}) == 2


class TestAnswer:
    @pytest.mark.parametrize("path", ["/v1/orders", "/v1/broken", "/nowhere", "/livez", "/docs/"])
    def test_carries_the_headers_that_protect_readers(self, shop: Shop, path: str):
        headers = shop.get(path).headers

        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Cache-Control"] == "no-store"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "'unsafe-eval'" not in headers["Content-Security-Policy"]

    def test_writes_for_anna_alone(self, shop: Shop):
        assert shop.get("/v1/orders", token=shop.token(ANNA)).headers["Cache-Control"] == "no-store"
