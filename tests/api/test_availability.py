"""What channels are shown, over the API: the list, the receipt, and what is refused."""

from __future__ import annotations

import pytest
from django.test import Client

from api.tokens import create_token
from tests.availability.shop import bundle_of, rule_for, settle
from tests.factories.shop import give_stock, make_channel, make_location, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def api():
    """Call the API as a viewer."""
    client = Client(headers={"Authorization": f"Bearer {create_token(name='v', role='viewer')[1]}"})
    return lambda path, **words: client.get(f"/api/v1{path}", words)


@pytest.fixture
def channel():
    """Two of B and one of A make a KIT; the channel keeps a fifth of it back."""
    channel, location = make_channel(name="Web store"), make_location("Main")
    a, b = make_variant("A"), make_variant("B/2")
    bundle_of("KIT", (a, 1), (b, 2))
    give_stock(a, location, 12)
    give_stock(b, location, 16)
    rule_for(channel, scope="sku", sku="KIT", buffer="percent", value=20)
    settle()
    return channel


def test_the_list_goes_on_by_cursor(api, channel):
    seen, cursor = [], ""
    while True:
        page = api("/availability", channel="Web store", limit=2, cursor=cursor).json()
        seen += [(item["sku"], item["shown"], item["version"]) for item in page["items"]]
        if not (cursor := page["next"]):
            break
    assert seen == [("A", 12, 1), ("B/2", 16, 1), ("KIT", 6, 1)]
    [item] = api("/availability", sku="KIT").json()["items"]
    assert (item["available"], item["kept_back"], item["on_budget"], item["reason"]) == (8, 2, 0, "buffer")


def test_the_receipt_names_every_step(api, channel):
    body = api("/availability/receipt", channel="Web store", sku="KIT").json()
    assert body["sentence"] == "6 shown = min(A 12/1, B/2 16/2) − 2 kept back (20 %)."
    assert [step["step"] for step in body["steps"]] == ["pool", "pool", "bundle", "buffer"]
    assert body["steps"][1]["locations"] == [{"location": "Main", "available": 16}]
    assert body["steps"][2]["limited_by"] == "B/2"
    assert body["rule"]["name"] == "SKU KIT" and body["published"]["shown"] == 6


@pytest.mark.parametrize(
    ("path", "words", "field"),
    [
        ("/availability", {"channel": "Nowhere"}, "channel"),
        ("/availability", {"sku": "NOPE"}, "sku"),
        ("/availability", {"sku": "\x00"}, "sku"),
        ("/availability", {"cursor": "made-up"}, "cursor"),
        ("/availability", {"limit": "0"}, "limit"),
        ("/availability/receipt", {"channel": "Web store"}, "sku"),
        ("/availability/receipt", {"channel": "Nowhere", "sku": "KIT"}, "channel"),
    ],
)
def test_a_wrong_question_names_its_field(api, channel, path, words, field):
    answer = api(path, **words)
    assert answer.status_code == 422 and [error["field"] for error in answer.json()["errors"]] == [field]


def test_what_needs_no_shipping_has_no_number(api, channel):
    make_variant("CARD", requires_shipping=False)
    answer = api("/availability/receipt", channel="Web store", sku="CARD")
    assert answer.status_code == 422 and answer.json()["code"] == "not_counted"


def test_the_number_of_statements_does_not_grow(api, channel, django_assert_max_num_queries):
    api("/availability")
    with django_assert_max_num_queries(3):
        api("/availability")
    with django_assert_max_num_queries(20):
        api("/availability/receipt", channel="Web store", sku="KIT")
