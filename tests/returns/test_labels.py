"""The return label: to the nearest place, bought once whatever happens, drawn once, given back when the return is cancelled."""

from __future__ import annotations

import pypdfium2
import pytest
import zxingcpp

from core.actors import Actor
from core.addresses import Address
from core.models import Place
from fulfillment.models import Document, IssuedNumber, Shipment
from inventory.models import Location
from orders.models import Order
from returns.models import Return
from returns.operations import cancel_return, create_return_label, create_waiting_labels, mark_in_transit
from returns.operations import labels as labels_module
from returns.queries import nearest_location
from tests.factories.returns import ask, make_shop, sent_order
from tests.factories.shop import ACTOR, NOW, make_location, make_order

CUSTOMER = Actor.customer("buyer@example.com")


def label(made: Return) -> Document | None:
    return create_return_label(return_id=made.pk, actor=ACTOR, now=NOW)


@pytest.fixture
def approved(db: None) -> Return:
    make_shop()
    return ask(sent_order(1), 1)


class TestLabel:
    def test_it_is_a_page_that_a_scanner_reads(self, approved: Return) -> None:
        label(approved)
        document = Document.objects.get(shipment=approved.shipment)
        page = pypdfium2.PdfDocument(bytes(document.data))[0]
        codes = [code.text for code in zxingcpp.read_barcodes(page.render(scale=203 / 72).to_pil())]
        assert approved.shipment.packages.get().tracking_number in codes

    def test_it_goes_from_the_customer_to_the_location(self, approved: Return) -> None:
        label(approved)
        shipment = Shipment.objects.get(pk=approved.shipment_id)
        assert (shipment.direction, shipment.state, shipment.reference) == (
            "return",
            "label_purchased",
            approved.number,
        )
        assert shipment.ship_from == approved.order.shipping_address
        assert shipment.ship_to == approved.location.address

    def test_asked_for_again_nothing_is_bought_or_drawn(self, approved: Return) -> None:
        first, second = label(approved), label(approved)
        assert first is not None
        assert second is not None
        assert first.pk == second.pk
        assert IssuedNumber.objects.filter(reference=approved.number).count() == 1

    def test_a_crash_after_the_purchase_is_mended_by_the_sweep(
        self, approved: Return, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def dies(*args: object, **kwargs: object) -> None:
            raise SystemExit

        with monkeypatch.context() as broken:
            broken.setattr(labels_module, "render_labels", dies)
            with pytest.raises(SystemExit):
                label(approved)
        assert create_waiting_labels(actor=ACTOR, now=NOW) == 1
        assert create_waiting_labels(actor=ACTOR, now=NOW) == 0
        assert Document.objects.filter(shipment=approved.shipment).count() == 1
        assert IssuedNumber.objects.filter(reference=approved.number).count() == 1

    def test_eight_workers_at_once_make_one_label(self, committed: None, threads) -> None:
        make_shop()
        made = ask(sent_order(1), 1)
        threads(8, lambda i: label(made))
        label(made)
        assert Document.objects.filter(shipment=made.shipment).count() == 1
        assert made.shipment.packages.count() == 1
        assert IssuedNumber.objects.filter(reference=made.number).count() == 1


class TestGivingUp:
    def test_a_label_never_asked_for_is_void_at_once(self, approved: Return) -> None:
        cancel_return(return_id=approved.pk, actor=CUSTOMER, now=NOW)
        assert Shipment.objects.get(pk=approved.shipment_id).state == "voided"
        assert label(approved) is None
        assert not IssuedNumber.objects.filter(reference=approved.number).exists()

    def test_a_bought_label_is_marked_to_be_given_back(self, approved: Return) -> None:
        label(approved)
        cancel_return(return_id=approved.pk, actor=CUSTOMER, now=NOW)
        assert Shipment.objects.get(pk=approved.shipment_id).state == "void_requested"

    def test_a_label_bought_while_the_return_is_cancelled_is_given_back(
        self, approved: Return, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        buy = labels_module.buy_return_label

        def buy_slowly(**kwargs: object) -> Shipment:
            Shipment.objects.filter(pk=approved.shipment_id).update(claim="somebody")  # as while the carrier is asked
            cancel_return(return_id=approved.pk, actor=CUSTOMER, now=NOW)
            return buy(**kwargs)

        monkeypatch.setattr(labels_module, "buy_return_label", buy_slowly)
        assert label(approved) is None
        assert Shipment.objects.get(pk=approved.shipment_id).state == "void_requested"
        assert not Document.objects.filter(shipment=approved.shipment_id).exists()

    def test_what_is_on_its_way_keeps_its_label(self, approved: Return) -> None:
        label(approved)
        mark_in_transit(return_id=approved.pk, actor=ACTOR, now=NOW)
        assert create_waiting_labels(actor=ACTOR, now=NOW) == 0


def at(name: str, latitude: float | None, longitude: float | None, **fields: object) -> Location:
    return make_location(name, latitude=latitude, longitude=longitude, **fields)


@pytest.mark.django_db
class TestNearest:
    @pytest.fixture
    def order(self) -> Order:
        from core import geo

        geo._known.clear()
        Place.objects.create(country="PL", key="krakow", latitude=50.06, longitude=19.94)
        at("Warszawa", 52.23, 21.01)
        return make_order(
            shipping_address=Address(name="Z", line1="ul. Długa 5", city="Kraków", postal_code="30-001", country="PL")
        )

    def test_the_nearest_that_accepts_returns(self, order: Order) -> None:
        at("Katowice, no returns", 50.26, 19.02, accepts_returns=False)
        at("Kraków, closed", 50.06, 19.94, active=False)
        near = at("Wrocław", 51.11, 17.03, rank=200)
        assert nearest_location(order) == near

    def test_equal_distance_goes_to_the_better_rank(self, order: Order) -> None:
        at("Second", 50.0, 20.0, rank=50)
        first = at("First", 50.0, 20.0, rank=10)
        assert nearest_location(order) == first

    def test_an_unknown_place_goes_back_where_it_came_from(self) -> None:
        at("Better rank", 10.0, 10.0, rank=1, country="DE")
        sender = at("Sender", None, None, country="PL", rank=5)
        Location.objects.filter(name="Better rank").update(active=False)
        order = sent_order(
            1, shipping_address=Address(name="Z", line1="Nowhere 1", city="Atlantis", postal_code="", country="PL")
        )
        Location.objects.update(active=True)
        assert nearest_location(order) == sender

    def test_without_a_location_that_accepts_returns_there_is_none(self, order: Order) -> None:
        Location.objects.update(accepts_returns=False)
        assert nearest_location(order) is None
