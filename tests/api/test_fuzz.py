"""Requests made up from the OpenAPI document: never a 500, and every refusal is a problem document."""

from __future__ import annotations

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, given, settings

from api.tokens import create_token
from tests.factories.shop import give_stock, make_channel, make_location, make_order, make_variant

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.filterwarnings("ignore")]
EXAMPLES = settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture
def secret(transactional_db):
    make_channel(name="Web")
    give_stock(make_variant("A-1"), make_location("Warsaw"), 50)
    make_order()
    return create_token(name="fuzz", role="owner")[1]


def test_no_request_breaks_the_api(secret):
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= 6
    for operation in operations:

        @EXAMPLES
        @given(case=operation.as_strategy())
        def holds(case):
            response = case.call(headers={"Authorization": f"Bearer {secret}"})
            what = f"{case.method} {case.formatted_path}: {response.status_code} {response.content[:300]!r}"
            assert response.status_code < 500, what
            if response.status_code >= 400:
                assert "application/problem+json" in str(response.headers.get("content-type")), what

        holds()
