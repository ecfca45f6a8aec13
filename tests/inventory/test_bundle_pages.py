"""Bundles on the pages of the catalogue: edited, shown with what can be promised, found, and taken out as a file."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from inventory.models import Variant
from tests.channels.files import bring_in, counts
from tests.factories.bundles import make_bundle
from tests.factories.shop import give_stock, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop(db):
    """Lamps in two places, bulbs in one, and a set of a lamp with two bulbs."""
    lamp, bulb = make_variant("LAMP", title="Lamp"), make_variant("BULB", title="Bulb", barcode="5901234123457")
    warsaw, berlin = make_location("Warsaw"), make_location("Berlin")
    give_stock(lamp, warsaw, 2), give_stock(lamp, berlin, 3), give_stock(bulb, warsaw, 9)
    return make_bundle("SET", {lamp: 1, bulb: 2}, title="Lamp with bulbs")


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def components(variant: Variant) -> dict[str, int]:
    return dict(variant.components.values_list("component__sku", "quantity"))


def test_the_product_page_shows_what_can_be_promised_and_why(shop, client_as):
    text = text_of(client_as("viewer").get(f"/products/{shop.product_id}/"))
    assert "Can be promised in total 4 Can leave together 2 Warsaw 2" in text
    assert "Lamp LAMP 1 5 " in text and "Bulb BULB 2 4 " in text
    assert "Where it lies" not in text and "Change components" not in text
    of_lamp = text_of(client_as("viewer").get(f"/products/{Variant.objects.get(sku='LAMP').product_id}/"))
    assert "Part of bundles" in of_lamp and "Lamp with bulbs SET 1" in of_lamp


def test_the_list_counts_and_finds_bundles(shop, client_as):
    client = client_as("viewer")
    make_bundle("NONE", {make_variant("GONE"): 1})
    assert re.search(r"\b4\b", text_of(client.get("/products/?tab=bundles&q=set")))
    some, none = (text_of(client.get(f"/products/?tab=bundles&stock={which}")) for which in ("some", "none"))
    names = {
        sku: Variant.objects.select_related("product").get(sku=sku).product.title for sku in ("SET", "NONE", "LAMP")
    }
    assert names["SET"] + " " in some and names["NONE"] + " " not in some
    assert names["NONE"] + " " in none and names["SET"] + " " not in none
    assert names["LAMP"] + " " not in some


def test_the_pages_cost_the_same_with_more_bundles(shop, client_as):
    client = client_as("owner")

    def statements(url: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen)

    urls = ("/products/?tab=bundles", f"/products/{shop.product_id}/")
    before = [statements(url) for url in urls for _again in range(2)][1::2]
    for n in range(3):
        more = make_bundle(f"MORE-{n}", {Variant.objects.get(sku="BULB"): n + 1, make_variant(): 1})
        Variant.objects.filter(pk=more.pk).update(product=shop.product_id)
    assert [statements(url) for url in urls] == before


class TestEditor:
    def url(self, variant: Variant) -> str:
        return f"/variants/{variant.pk}/components/"

    def test_a_bundle_is_made_by_sku_and_barcode(self, shop, client_as):
        kit, client = make_variant("KIT"), client_as("operations")
        assert client.get(self.url(kit)).status_code == 200
        form = {"sku-0": "LAMP", "units-0": "1", "sku-1": "5901234123457", "units-1": "4"}
        for _twice in range(2):
            assert client.post(self.url(kit), form).status_code in (302, 422)
        assert components(kit) == {"LAMP": 1, "BULB": 4}

    def test_components_are_changed_and_taken_out(self, shop, client_as):
        lamp, bulb = (Variant.objects.get(sku=sku) for sku in ("LAMP", "BULB"))
        form = {f"component-{lamp.pk}": "0", f"component-{bulb.pk}": "3"}
        assert client_as("operations").post(self.url(shop), form).status_code == 302
        assert components(shop) == {"BULB": 3}
        page = text_of(client_as("operations").get(self.url(shop)))
        assert "Components of SET changed." in page

    @pytest.mark.parametrize(
        ("form", "told"),
        [
            ({"sku-0": "NOPE", "units-0": "1"}, "There is no SKU"),
            ({"sku-0": "LAMP"}, "How many are in one bundle?"),
            ({"units-0": "2"}, "Of what?"),
            ({"sku-0": "LAMP", "units-0": "1", "sku-1": "LAMP", "units-1": "1"}, "among the components already"),
            ({"sku-0": "SET", "units-0": "1"}, "is a bundle itself"),
            ({"sku-0": "KIT", "units-0": "1"}, "no component of itself"),
            ({"sku-0": "LAMP", "units-0": "99999"}, "less than or equal to 10000"),
            ({}, "at least one component"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field(self, shop, client_as, form, told):
        kit = make_variant("KIT")
        answer = client_as("operations").post(self.url(kit), form)
        assert answer.status_code == 422 and told in answer.content.decode()
        assert not Variant.objects.get(sku="KIT").is_bundle

    def test_a_variant_that_is_stocked_or_waited_for_is_refused_above_the_form(self, shop, client_as):
        make_variant("WANTED")
        make_order(lines=[("WANTED", 1)])
        for sku, told in (("LAMP", "is a component of"), ("WANTED", "still open")):
            variant = Variant.objects.get(sku=sku)
            answer = client_as("operations").post(self.url(variant), {"sku-0": "BULB", "units-0": "1"})
            assert answer.status_code == 422 and told in answer.content.decode()

    def test_a_bundle_is_undone(self, shop, client_as):
        assert client_as("operations").post(f"/variants/{shop.pk}/unbundle/").status_code == 302
        shop.refresh_from_db()
        assert not shop.is_bundle and components(shop) == {}

    def test_only_who_may_edit_does(self, shop, client_as):
        for role in ("viewer", "warehouse", "support", "finance"):
            client = client_as(role)
            assert client.get(self.url(shop)).status_code == 403
            assert client.post(f"/variants/{shop.pk}/unbundle/").status_code == 403


def test_the_file_of_bundles_is_one_that_comes_in_again(shop, client_as):
    make_bundle("=1+1", {Variant.objects.get(sku="BULB"): 2})
    answer = client_as("viewer").get("/bundles/export/")
    data = b"".join(answer.streaming_content)
    assert data.decode().splitlines()[0] == "bundle_sku,component_sku,quantity"
    assert "'=1+1,BULB,2" in data.decode() and "SET,LAMP,1" in data.decode()
    assert counts(bring_in("bundles", data)) == (0, 0, 2, 0)
