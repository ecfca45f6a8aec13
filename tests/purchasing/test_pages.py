"""The pages of purchasing: what they show to whom, how forms are refused, and how many statements they take."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.jobs import run_job
from core.models import Job
from inventory.models import StockLevel
from purchasing.models import PurchaseOrder, Supplier, SupplierItem
from purchasing.operations import cost_everything, create_purchase_orders, plan_purchases, save_supplier_item
from purchasing.queries import cost_of_goods_sold, stock_value, unit_costs
from tests.factories.purchasing import make_item, make_purchase, make_supplier, receive
from tests.factories.shop import ACTOR, NOW, give_stock, make_location, make_variant
from tests.purchasing.test_costing import sell

pytestmark = pytest.mark.django_db


def text_of(response) -> str:
    return response.content.decode()


def queries_of(client, url: str) -> int:
    client.get(url)  # what is remembered between requests is remembered now
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def again(order: PurchaseOrder) -> PurchaseOrder:
    return PurchaseOrder.objects.get(pk=order.pk)


def url(name: str, order: PurchaseOrder) -> str:
    return reverse(name, args=[order.pk])


class TestLists:
    def test_orders_stand_in_the_tab_of_what_must_happen(self, client_as) -> None:
        place, mug, supplier = make_location(), make_variant(), make_supplier("Wool & Co")
        make_item(supplier, mug)
        [waiting] = create_purchase_orders(plan_purchases([(mug.pk, place.pk, 3)]), actor=ACTOR, now=NOW)
        sent = make_purchase([(make_variant(), 5, "3")], supplier=supplier)
        PurchaseOrder.objects.filter(pk=sent.pk).update(expected_on=NOW.date() - timedelta(days=3000))
        client = client_as("operations")
        for tab, shown, hidden in (("to-approve", waiting, sent), ("late", sent, waiting), ("sent", sent, waiting)):
            page = text_of(client.get(reverse("purchase-orders"), {"tab": tab}))
            assert shown.number in page
            assert hidden.number not in page
        assert sent.number in text_of(client.get(reverse("purchase-orders"), {"q": "wool"}))

    def test_many_drafts_are_approved_and_sent_at_once(self, client_as) -> None:
        place, supplier = make_location(), make_supplier()
        orders = []
        for _n in range(2):
            mug = make_variant()
            make_item(supplier, mug)
            orders += create_purchase_orders(plan_purchases([(mug.pk, place.pk, 3)]), actor=ACTOR, now=NOW)
        client = client_as("operations")
        client.post(reverse("purchase-orders"), {"action": "approve", "id": [o.pk for o in orders], "confirmed": "1"})
        assert all(not again(order).awaits_approval for order in orders)

    def test_who_may_not_see_costs_sees_none(self, client_as) -> None:
        order = make_purchase([(make_variant(), 7, "1234.56")])
        client = client_as("warehouse")
        for page in (
            reverse("purchase-orders") + "?tab=all&cols=total",
            url("purchase-order", order),
            reverse("supplier", args=[order.supplier_id]),
        ):
            answer = client.get(page)
            assert answer.status_code == 200
            assert "1,234.56" not in text_of(answer)
            assert "8,641.92" not in text_of(answer)
        for name in ("costs", "stock-costs", "supplier-items"):
            assert client.get(reverse(name)).status_code == 403
        assert client.get(url("purchase-order-pdf", order)).status_code == 403

    @pytest.mark.parametrize("name", ["purchase-orders", "suppliers", "supplier-items", "receipts", "stock-costs"])
    def test_the_number_of_statements_does_not_grow_with_rows(self, client_as, name: str) -> None:
        def grow() -> None:
            mug, supplier = make_variant(), make_supplier()
            make_item(supplier, mug)
            receive(make_purchase([(mug, 4, "2")], supplier=supplier), 2)
            cost_everything(now=NOW)

        client = client_as("owner")
        grow()
        one = queries_of(client, reverse(name) + "?tab=all" if name != "receipts" else reverse(name))
        for _n in range(3):
            grow()
        assert queries_of(client, reverse(name) + "?tab=all" if name != "receipts" else reverse(name)) == one


class TestOrderPage:
    def test_the_number_of_statements_does_not_grow_with_lines(self, client_as) -> None:
        client = client_as("owner")
        one = make_purchase([(make_variant(), 4, "2")])
        many = make_purchase([(make_variant(), 4, "2") for _n in range(5)])
        receive(one, 1)
        for _n in range(3):
            receive(many, 1, 1)
        for name in ("purchase-order", "purchase-floor"):
            assert queries_of(client, url(name, one)) == queries_of(client, url(name, many))
        drafts = [
            make_purchase([(make_variant(), 1, "1")] * n, sent=False)
            if n == 1
            else make_purchase([(make_variant(), 1, "1"), (make_variant(), 1, "1")], sent=False)
            for n in (1, 2)
        ]
        assert queries_of(client, url("purchase-order", drafts[0])) == queries_of(
            client, url("purchase-order", drafts[1])
        )

    def test_a_draft_is_made_filled_approved_and_sent(self, client_as) -> None:
        client = client_as("operations")
        supplier, place, mug = make_supplier(), make_location(), make_variant()
        make_item(supplier, mug, price="2.40", sku="M-1")
        answer = client.post(reverse("purchase-order-new"), {"supplier": supplier.pk, "location": place.pk})
        order = PurchaseOrder.objects.get()
        assert answer.url == url("purchase-order", order)
        head = {"location": place.pk, "expected_on": "2026-12-24", "note": "ring twice"}
        wrong = client.post(url("purchase-order-edit", order), head | {"sku": "NOPE"})
        assert wrong.status_code == 422
        assert "There is no SKU “NOPE”" in text_of(wrong)
        client.post(url("purchase-order-edit", order), head | {"sku": mug.sku, "quantity": "6"})
        line = order.lines.get()
        assert (line.ordered, line.unit_cost, line.supplier_sku) == (6, Decimal("2.40"), "M-1")
        refused = client.post(
            url("purchase-order-edit", order), head | {f"quantity-{line.pk}": "x", f"cost-{line.pk}": "2"}
        )
        assert refused.status_code == 422
        assert "field-errors" in text_of(refused)
        page = text_of(client.get(url("purchase-order", order)))
        assert "Send by e-mail" in page
        answer = client.post(url("purchase-order-act", order), {"action": "mark", "version": again(order).version})
        assert answer.status_code == 302
        assert again(order).state == "sent"
        repeated = client.post(url("purchase-order-act", order), {"action": "mark", "version": again(order).version})
        assert repeated.status_code == 409
        assert StockLevel.objects.get(variant=mug).incoming == 6

    def test_confirmation_closing_and_cancelling_name_their_fields(self, client_as) -> None:
        client = client_as("operations")
        order = make_purchase([(make_variant(), 6, "2")])
        line = order.lines.get()
        answer = client.post(
            url("purchase-order-confirm", order),
            {
                f"confirm-quantity-{line.pk}": "5",
                f"confirm-day-{line.pk}": "2026-12-01",
                "confirm-reference": "SO-1",
                "confirm-version": again(order).version,
            },
        )
        assert answer.status_code == 302
        assert (again(order).supplier_reference, again(order).outstanding) == ("SO-1", 5)
        stale = client.post(
            url("purchase-order-confirm", order), {f"confirm-quantity-{line.pk}": "4", "confirm-version": order.version}
        )
        assert stale.status_code == 422
        assert "changed by somebody else" in text_of(stale)
        receive(order, 2)
        too_few = client.post(url("purchase-order-confirm", order), {f"confirm-quantity-{line.pk}": "1"})
        assert "at least 2" in text_of(too_few)
        unsaid = client.post(url("purchase-order-close", order), {f"close-quantity-{line.pk}": "3", "close-reason": ""})
        assert unsaid.status_code == 422
        client.post(url("purchase-order-close", order), {f"close-quantity-{line.pk}": "3", "close-reason": "sold out"})
        assert again(order).state == "received"
        other = make_purchase([(make_variant(), 6, "2")])
        client.post(url("purchase-order-cancel", other), {"cancel-reason": "double"})
        assert again(other).state == "cancelled"

    def test_charges_are_saved_and_shown_on_the_lines(self, client_as) -> None:
        client = client_as("finance")
        order = make_purchase([(make_variant(), 4, "2")], supplier=make_supplier(currency="USD"), sent=False)
        data = {"charges-freight": "2", "charges-duty": "0", "charges-other": "0", "charges-charge_basis": "value"}
        refused = client.post(url("purchase-order-charges", order), data | {"charges-exchange_rate": "0.5"})
        assert refused.status_code == 422
        assert "Say where the rate comes from" in text_of(refused)
        client.post(
            url("purchase-order-charges", order), data | {"charges-exchange_rate": "0.5", "charges-rate_source": "bank"}
        )
        assert again(order).total == 10
        client.post(url("purchase-order-act", order), {"action": "mark"})
        assert "€5.00" in text_of(client.get(url("purchase-order", order)))

    def test_the_paper_is_a_pdf(self, client_as) -> None:
        answer = client_as("operations").get(
            url("purchase-order-pdf", make_purchase([(make_variant(), 4, "2")], sent=False))
        )
        assert answer["Content-Type"] == "application/pdf"
        assert answer.content.startswith(b"%PDF-")


class TestFloor:
    def post(self, client, order, htmx: bool = True, **data):
        return client.post(url("purchase-floor", order), data, headers={"HX-Request": "true"} if htmx else {})

    def test_scan_count_and_book(self, client_as) -> None:
        client = client_as("warehouse")
        mug = make_variant(barcode="5901234123457")
        order = make_purchase([(mug, 2, "1"), (make_variant(), 1, "1")])
        assert client.post(reverse("purchase-scan"), {"code": order.number.lower()}).url == url("purchase-floor", order)
        assert client.post(reverse("purchase-scan"), {"code": "PO-0"}).url == reverse("purchase-scan")
        wrong = self.post(client, order, code="OTHER")
        assert 'data-beep="wrong"' in text_of(wrong)
        right = self.post(client, order, code="05901234123457")
        assert 'data-beep="right"' in text_of(right)
        self.post(client, order, code=mug.sku, damaged="1")
        over = self.post(client, order, code=mug.sku)
        assert 'data-beep="wrong"' in text_of(over)
        key = re.search(r'name="key" value="([0-9a-f]{32})"', text_of(over))[1]
        unsaid = self.post(client, order, action="book", key=key)
        assert "more has come than was expected" in text_of(unsaid)
        booked = self.post(client, order, action="book", key=key, reason="a spare one", reference="WZ 7")
        assert 'data-beep="done"' in text_of(booked)
        self.post(client, order, action="book", key=key, reason="a spare one")  # sent twice
        level = StockLevel.objects.get(variant=mug)
        assert (level.on_hand, level.damaged, level.incoming) == (3, 1, 0)
        assert again(order).outstanding == 1

    def test_it_works_without_javascript_and_by_typing(self, client_as) -> None:
        client = client_as("warehouse")
        order = make_purchase([(make_variant(), 5, "1")])
        line = order.lines.get()
        assert self.post(client, order, htmx=False, code=line.variant.sku).status_code == 302
        self.post(client, order, htmx=False, action="count", line=line.pk, counted="5", damaged="0")
        page = text_of(client.get(url("purchase-floor", order)))
        assert "5 / 5" in page
        refused = self.post(client, order, htmx=False, action="count", line=line.pk, counted="1", damaged="2")
        assert refused.status_code == 422
        self.post(client, order, htmx=False, action="clear")
        assert "0 / 5" in text_of(client.get(url("purchase-floor", order)))

    def test_lots_and_serials_by_scanner(self, client_as) -> None:
        client = client_as("warehouse")
        milk, radio = make_variant(tracking="lot"), make_variant(tracking="serial")
        order = make_purchase([(milk, 2, "1"), (radio, 1, "1")])
        first, second = order.lines.order_by("position")
        assert "write the lot" in text_of(self.post(client, order, code=milk.sku))
        self.post(client, order, action="count", line=first.pk, counted="", lot_code="L1", expires_on="2027-02-01")
        self.post(client, order, code=milk.sku)
        self.post(client, order, code=milk.sku)
        asked = self.post(client, order, code=radio.sku)
        assert f'name="serial_of" value="{second.pk}"' in text_of(asked)
        done = self.post(client, order, code="SN-77", serial_of=second.pk)
        assert 'data-beep="done"' in text_of(done)
        key = re.search(r'name="key" value="([0-9a-f]{32})"', text_of(done))[1]
        self.post(client, order, action="book", key=key)
        assert again(order).state == "received"
        assert radio.serials.get().serial == "SN-77"
        assert milk.lots.exclude(code="").get().expires_on.isoformat() == "2027-02-01"


class TestSuppliers:
    FORM = {"name": "Wool & Co", "code": "wool", "currency": "eur", "language": "fa", "lead_time_days": "9", "lead_time_spread": "1.5", "minimum_order": "200", "active": "on", "city": "Tabriz"}  # fmt: skip

    def test_one_is_added_changed_and_told_in_its_history(self, client_as) -> None:
        client = client_as("operations")
        answer = client.post(reverse("supplier-new"), self.FORM)
        supplier = Supplier.objects.get()
        assert answer.url == reverse("supplier", args=[supplier.pk])
        assert (supplier.code, supplier.currency, supplier.postal_address.city) == ("WOOL", "EUR", "Tabriz")
        doubled = client.post(reverse("supplier-new"), self.FORM)
        assert doubled.status_code == 422
        assert "Another supplier has this name" in text_of(doubled)
        client.post(reverse("supplier-edit", args=[supplier.pk]), self.FORM | {"lead_time_days": "12"})
        page = text_of(client.get(reverse("supplier", args=[supplier.pk])))
        assert "12 days" in page
        assert "<ins><bdi>12</bdi></ins>" in page

    def test_prices_are_kept_and_a_preferred_one_replaces_the_other(self, client_as) -> None:
        client = client_as("operations")
        mug, first, second = make_variant(), make_supplier(), make_supplier()
        for supplier in (first, second):
            data = {
                "variant_sku": mug.sku,
                "price": "2.40",
                "pack_size": "6",
                "minimum_quantity": "12",
                "preferred": "on",
            }
            client.post(reverse("supplier-item-save", args=[supplier.pk]), data)
        assert list(SupplierItem.objects.filter(preferred=True).values_list("supplier", flat=True)) == [second.pk]
        refused = client.post(
            reverse("supplier-item-save", args=[first.pk]),
            {"variant_sku": "NO", "price": "1", "pack_size": "0", "minimum_quantity": "1"},
        )
        assert refused.status_code == 422
        item = first.items.get()
        client.post(reverse("supplier-item-delete", args=[item.pk]))
        assert not first.items.exists()

    def test_the_list_of_prices_is_exported_changed_and_brought_back(self, client_as) -> None:
        client = client_as("operations")
        mug, supplier = make_variant("=MUG"), make_supplier()
        save_supplier_item(
            supplier_id=supplier.pk,
            variant_id=mug.pk,
            values={"price": Decimal("2.5"), "sku": "+1"},
            actor=ACTOR,
            now=NOW,
        )
        exported = b"".join(client.get(reverse("supplier-items"), {"export": "csv"}).streaming_content).decode(
            "utf-8-sig"
        )
        rows = list(csv.DictReader(io.StringIO(exported)))
        rows[0]["Price"], rows[0]["Pack size"] = "3,75", "12"
        target = io.StringIO()
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        writer.writerows(
            [
                *rows,
                rows[0] | {"SKU": "NOPE"},
                rows[0] | {"Price": "cheap"},
                rows[0] | {"Supplier code": "NEW", "Supplier": "Newcomer", "SKU": ""},
            ]
        )
        file = SimpleUploadedFile("prices.csv", target.getvalue().encode())
        answer = client.post(reverse("supplier-import"), {"file": file})
        job = Job.objects.get()
        assert answer.url == reverse("job", args=[job.pk])
        run_job(job.pk, clock=lambda: NOW)
        job.refresh_from_db()
        errors = list(job.errors.order_by("line").values_list("line", "field"))
        assert (job.state, job.done, errors) == ("done_with_errors", 4, [(3, "SKU"), (4, "Price"), (5, "Currency")]), (
            json.dumps(list(job.errors.values_list("message", flat=True)))
        )
        item = SupplierItem.objects.get(supplier=supplier)
        assert (item.price, item.pack_size, item.sku) == (Decimal("3.75"), 12, "+1")
        assert not Supplier.objects.filter(code="NEW").exists()  # a new one needs a currency

    def test_a_file_without_the_suppliers_code_is_refused(self, client_as) -> None:
        file = SimpleUploadedFile("prices.csv", b"SKU,Price\nA,1\n")
        answer = client_as("operations").post(reverse("supplier-import"), {"file": file})
        assert answer.status_code == 422
        assert "Supplier code" in text_of(answer)


class TestCosts:
    def test_the_report_tells_what_was_sold_and_what_stock_is_worth(self, client_as) -> None:
        mug, place = make_variant(), make_location("Depot")
        receive(make_purchase([(mug, 10, "2")], location=place), 10)
        receive(make_purchase([(mug, 10, "4")], location=place), 10)
        sell(mug, place, 15, "order_line:1")
        give_stock(make_variant(), place, 3)
        cost_everything(now=NOW)
        day = NOW.date()
        found = cost_of_goods_sold(day, day, by="sku")
        assert [(row.key, row.units, row.cost) for row in found.rows] == [(mug.sku, 15, Decimal(45))]
        assert cost_of_goods_sold(day, day, method="fifo").cost == 40
        assert cost_of_goods_sold(day + timedelta(days=1), day + timedelta(days=9)).rows == []
        value = stock_value()
        assert (value.units, value.value, value.unknown_units) == (8, Decimal(15), 3)
        assert sum(each.value for each in value.places) == 15
        assert unit_costs([mug.pk]) == {mug.pk: Decimal(3)}
        client = client_as("finance")
        page = text_of(client.get(reverse("costs"), {"first": str(day), "last": str(day), "by": "sku"}))
        assert "€45.00" in page
        assert "Depot" in page
        file = text_of(
            client.get(reverse("costs"), {"first": str(day), "last": str(day), "by": "sku", "export": "csv"})
        )
        assert f"{mug.sku},15,45.0000" in file

    def test_an_unknown_cost_is_set_on_the_skus_page(self, client_as) -> None:
        mug, place = make_variant(), make_location()
        give_stock(mug, place, 4)
        cost_everything(now=NOW)
        client = client_as("finance")
        here = reverse("variant-cost", args=[mug.pk])
        assert "valued at nothing" in text_of(client.get(here))
        assert client.post(here, {"unit_cost": "-1", "note": "x"}).status_code == 422
        assert client.post(here, {"unit_cost": "2.5", "note": "old invoice"}).status_code == 302
        assert "€10.00" in text_of(client.get(here))
        assert client_as("support").post(here, {"unit_cost": "1", "note": "x"}).status_code == 403

    def test_the_owner_chooses_the_method(self, client_as) -> None:
        client_as("owner").post(reverse("cost-method"), {"method": "fifo"})
        mug, place = make_variant(), make_location()
        receive(make_purchase([(mug, 1, "2")], location=place), 1)
        receive(make_purchase([(mug, 1, "4")], location=place), 1)
        sell(mug, place, 1, "order_line:1")
        cost_everything(now=NOW)
        assert cost_of_goods_sold(NOW.date(), NOW.date()).cost == 2
        assert client_as("operations").post(reverse("cost-method"), {"method": "average"}).status_code == 403
