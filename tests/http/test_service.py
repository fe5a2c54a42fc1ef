"""What every service has beside its routes: health, metrics, documentation, logs."""

import io
import json
import logging
import re

import pytest
import structlog
from flask import Flask
from sqlalchemy.exc import OperationalError
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from events.base import Actor
from shared.eventlog import Context, LogUnavailable
from shared.http.commands import Answering
from shared.http.guard import Route
from shared.http.problems import answer_errors_with_problems
from shared.logs import configure
from tests.http.bakery import ANNA, CUSTOMER, NOW, Order, OrderView
from tests.http.shop import Shop


class TestHealth:
    def test_needs_no_token(self, shop: Shop):
        assert shop.client.get("/livez").get_json() == {"status": "alive"}
        assert shop.client.get("/readyz").get_json() == {"status": "ready", "checks": {"log": "ok"}}
        assert shop.client.get("/version").get_json().keys() == {"version"}

    def test_is_not_ready_without_its_log(self, shop: Shop, monkeypatch):
        def unavailable(_select):
            raise LogUnavailable("disk full")

        monkeypatch.setattr(shop.bakery, "query", unavailable)

        answer = shop.client.get("/readyz")

        assert (answer.status_code, answer.get_json()["checks"]) == (503, {"log": "the log does not answer"})
        assert shop.client.get("/livez").status_code == 200

    def test_counts_requests_without_naming_anybody(self, shop: Shop):
        shop.an_order()

        page = shop.client.get("/metrics").get_data(as_text=True)

        assert 'caretrail_http_requests_total{endpoint="orders.take_order",service="bakery",status="201"}' in page
        assert "anna" not in page
        assert str(CUSTOMER) not in page


class TestDocumentation:
    def test_names_every_route_with_its_security_and_problems(self, shop: Shop):
        document = shop.client.get("/openapi.json").get_json()

        operations = {
            (path, method): found
            for path, methods in document["paths"].items()
            for method, found in methods.items()
            if method != "parameters"
        }
        rules = {rule.rule for rule in shop.app.url_map.iter_rules() if rule.rule.startswith("/v1")}
        assert {re.sub(r"<uuid:(\w+)>", r"{\1}", rule) for rule in rules} == set(document["paths"])
        assert all(operation["security"] == [{"bearer": []}] for operation in operations.values())
        assert all({"401", "403", "404"} <= set(operation["responses"]) for operation in operations.values())
        problem = document["components"]["responses"]["CONFLICT"]["content"]
        assert list(problem) == ["application/problem+json"]

    def test_tells_what_a_command_needs(self, shop: Shop):
        document = shop.client.get("/openapi.json").get_json()

        change = document["paths"]["/v1/orders/{order_id}/change"]["post"]
        assert [(p["name"], p.get("required", False)) for p in change["parameters"]] == [
            ("Idempotency-Key", True),
            ("X-Correlation-ID", False),
            ("If-Match", True),
        ]
        assert {"409", "411", "412", "413", "415", "422", "428"} <= set(change["responses"])
        assert document["components"]["schemas"]["ChangeOrder"]["additionalProperties"] is False

    def test_tells_what_a_list_can_be_asked(self, shop: Shop):
        document = shop.client.get("/openapi.json").get_json()

        parameters = document["paths"]["/v1/orders"]["get"]["parameters"]
        assert sorted(parameter["name"] for parameter in parameters) == ["after", "limit", "loaves"]

    def test_is_valid_openapi(self, shop: Shop):
        validator = pytest.importorskip("openapi_spec_validator")

        validator.validate(shop.client.get("/openapi.json").get_json())

    def test_knows_where_it_is_mounted(self, shop: Shop):
        suite = Client(DispatcherMiddleware(lambda environ, start: [], {"/bakery": shop.app.wsgi_app}))

        document = json.loads(suite.get("/bakery/openapi.json").get_data())
        page = suite.get("/bakery/docs/").get_data(as_text=True)

        assert document["servers"] == [{"url": "/bakery"}]
        assert 'src="/bakery/docs/start.js"' in page

    def test_page_loads_nothing_from_elsewhere_and_runs_nothing_inline(self, shop: Shop):
        page = shop.client.get("/docs/")

        text = page.get_data(as_text=True)
        assert "//" not in re.sub(r"<!doctype html>", "", text)
        assert re.findall(r"<script[^>]*>([^<]*)</script>", text) == ["", ""]
        assert "script-src 'self';" in page.headers["Content-Security-Policy"]
        for address in re.findall(r'(?:src|href)="([^"]+)"', text):
            assert shop.client.get(address).status_code == 200

    def test_leads_to_its_page(self, shop: Shop):
        answer = shop.client.get("/docs")

        assert answer.status_code == 308
        assert answer.headers["Location"].endswith("/docs/")


class TestLocation:
    def test_of_a_new_thing_names_where_the_service_is_mounted(self, shop: Shop):
        suite = Client(DispatcherMiddleware(lambda environ, start: [], {"/bakery": shop.app.wsgi_app}))

        answer = suite.post(
            "/bakery/v1/orders",
            json={"patient_id": str(CUSTOMER), "loaves": 1},
            headers={"Authorization": f"Bearer {shop.token()}", "Idempotency-Key": "k-1"},
        )

        assert answer.headers["Location"] == f"/bakery/v1/orders/{json.loads(answer.get_data())['id']}"

    def test_can_be_elsewhere_than_where_it_was_made(self, shop: Shop):
        answering = Answering(Route("take_order"), OrderView(), 201, location="/loaves/{id}")
        order = Order(CUSTOMER, a_context())

        with shop.app.test_request_context("/v1/orders", base_url="http://localhost/bakery"):
            assert answering._render(order, 201).headers["Location"] == f"/bakery/v1/loaves/{CUSTOMER}"


def a_context() -> Context:
    """Somebody acts."""
    return Context(Actor(id=ANNA, role="care-coordinator"), NOW, CUSTOMER, "request")


@pytest.fixture
def lines():
    """What the process logs, as JSON, during one test."""
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure("INFO", "json", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class TestLogs:
    def test_go_on_under_the_outer_requests_id_after_one_within(self, shop: Shop):
        with structlog.contextvars.bound_contextvars(request_id="outside"):
            shop.get("/livez")

            assert structlog.contextvars.get_contextvars() == {"request_id": "outside"}

    def test_tell_of_each_request_by_ids(self, shop: Shop, lines):
        order = shop.an_order(note="Mrs Smith is sad")
        answer = shop.get(f"/v1/orders/{order['id']}")

        found = lines()[-1]
        assert found["event"] == "request"
        assert found["ids"] == [order["id"]]
        assert (found["service"], found["endpoint"], found["status"]) == ("bakery", "orders.order", 200)
        assert (found["subject"], found["role"]) == ("anna", "care-coordinator")
        assert found["request_id"] == answer.headers["X-Request-ID"]

    def test_hold_nothing_that_anybody_wrote(self, shop: Shop, lines):
        shop.an_order(note="Mrs Smith is sad")
        shop.post("/v1/orders", b'{"Smith": 1}')
        shop.get("/v1/orders?name=Smith")
        shop.get("/v1/Smith")
        shop.get("/v1/broken")
        shop.get("/v1/orders", token="Smith")
        shop.get("/v1/orders", headers={"X-Correlation-ID": "Smith"})

        assert "Smith" not in json.dumps(lines())

    def test_tell_where_a_failure_came_from(self, shop: Shop, lines):
        answer = shop.get("/v1/broken")

        failure = next(line for line in lines() if line["event"] == "request-failed")
        assert failure["error"] == "KeyError"
        assert failure["frames"][-1].endswith(" broken")
        assert failure["request_id"] == answer.headers["X-Request-ID"]

    def test_of_libraries_go_the_same_way(self, lines):
        logging.getLogger("some.library").warning("lost %s", "connection")

        assert lines()[-1]["event"] == "lost connection"
        assert lines()[-1]["level"] == "warning"


class TestTablesBesideALog:
    def test_that_do_not_answer_are_answered_503_with_when_to_come_back(self):
        app = Flask("beside")
        answer_errors_with_problems(app)

        @app.get("/accounts")
        def accounts() -> str:
            raise OperationalError("SELECT 1", {}, ConnectionError("the database is gone"))

        answer = app.test_client().get("/accounts")

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
        assert answer.content_type == "application/problem+json"
