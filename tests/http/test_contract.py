"""The answers against the OpenAPI document, for requests that a machine invents."""

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.access import Rule
from tests.http.bakery import ACCESS, BAKERS, CUSTOMER
from tests.http.shop import Shop

# JSON Schema cannot say which characters a text may hold, nor that decimals are few.
NOT_SAID_BY_THE_SCHEMA = "positive_data_acceptance"
EXAMPLES = 12


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory):
    """A bakery for all that a machine may think of."""
    shop = Shop(tmp_path_factory.mktemp("bakery"), {**ACCESS, "forgotten": Rule(BAKERS)})
    shop.let_into_the_team("anna", CUSTOMER)
    yield shop
    shop.bakery.close()


@pytest.fixture(scope="module")
def document(shop: Shop):
    """What the bakery says of itself."""
    return schemathesis.openapi.from_wsgi("/openapi.json", shop.app).exclude(path_regex="careless|broken|heads")


class TestContract:
    @pytest.mark.parametrize("number", range(8))
    def test_is_kept_for_whatever_is_sent(self, shop: Shop, document, number: int):
        operation = list(document.get_all_operations())[number].ok()
        excluded = [schemathesis.checks.CHECKS.get_one(NOT_SAID_BY_THE_SCHEMA)]

        @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(case=st.one_of(operation.as_strategy(), operation.as_strategy(schemathesis.GenerationMode.NEGATIVE)))
        def send(case):
            case.call_and_validate(excluded_checks=excluded, headers={"Authorization": f"Bearer {shop.token()}"})

        send()
