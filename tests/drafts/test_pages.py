"""The pages of drafts: composed field by field, refused at the field, shown to whom may see them."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.models import OutgoingMail
from drafts.events import DraftSent
from drafts.mailing import mail_draft
from drafts.models import DraftOrder, HeldStock
from drafts.operations import end_draft, send_draft
from drafts.queries import drafts_of_owners
from invoicing.models import Document
from orders.models import Order, TaxRate
from tests.factories.drafts import make_draft
from tests.factories.papers import text_of as paper_text
from tests.factories.shop import ACTOR, NOW, give_stock, make_channel, make_location, make_order, make_variant

pytestmark = pytest.mark.django_db
SOON = timedelta(days=4000)  # pages read the clock


def text_of(response) -> str:
    return response.content.decode()


def again(draft: DraftOrder) -> DraftOrder:
    return DraftOrder.objects.get(pk=draft.pk)


def typed(client, draft: DraftOrder, **changes) -> dict[str, str]:
    """What the composer's form holds, with changes: as a browser would send it."""
    page = text_of(client.get(reverse("draft", args=[draft.pk])))
    form = page[page.index('id="draft-form"') :]
    values: dict[str, str] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and (('type="checkbox"' not in tag) or "checked" in tag):
            values[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.search(r'value="([^"]*)" selected', options)
        values[name] = chosen[1] if chosen else ""
    values["note"] = ""
    return values | {"act": "update"} | changes


def edit(client, draft: DraftOrder, **changes):
    htmx = changes.pop("htmx", False)
    headers = {"HX-Request": "true"} if htmx else {}
    return client.post(reverse("draft-edit", args=[draft.pk]), typed(client, draft, **changes), headers=headers)


class TestComposer:
    def test_a_draft_begins_with_one_press(self, client_as) -> None:
        make_channel(kind="phone", name="Phone")
        client = client_as("support")
        for _n in range(2):  # pressed twice, it is the same empty draft
            response = client.post(reverse("draft-new"), {"scenario": "phone"})
        draft = DraftOrder.objects.get()
        assert response.url == reverse("draft", args=[draft.pk])
        assert draft.number in text_of(client.get(response.url))

    def test_everything_on_the_screen_is_saved_with_every_act(self, client_as) -> None:
        TaxRate.objects.create(country="PL", name="VAT", rate=Decimal("0.23"))
        tee = make_variant("TEE", barcode="5901234123457", price=Decimal("20"))
        draft, client = make_draft(email=""), client_as("support")
        response = edit(
            client, draft, act="add", code="5901234123457", email="ada@example.com", discount="10%", tags="vip, b2b"
        )
        assert response.url == reverse("draft", args=[draft.pk]) + "#add"
        draft = again(draft)
        assert (draft.email, draft.tags, draft.lines.get().variant) == ("ada@example.com", ["vip", "b2b"], tee)
        assert (draft.discount_total, draft.tax_total, draft.total) == (2, Decimal("4.14"), Decimal("22.14"))

    def test_quantity_price_and_discount_are_changed_in_place(self, client_as) -> None:
        draft, client = make_draft([(make_variant(), 1)]), client_as("support")
        pk = draft.lines.get().pk
        edit(
            client, draft, **{f"quantity-{pk}": "3", f"price-{pk}": "9,50", f"discount-{pk}": "1.50", f"tax-{pk}": "8"}
        )
        line = draft.lines.get()
        assert (line.quantity, line.unit_price, line.discount.value, line.tax_rate) == (
            3,
            Decimal("9.50"),
            Decimal("1.50"),
            Decimal("0.08"),
        )
        assert again(draft).total == Decimal("29.16")

    def test_zero_units_or_the_button_take_a_line_away(self, client_as) -> None:
        draft, client = make_draft([(make_variant(), 1), (make_variant(), 1)]), client_as("support")
        first, second = draft.lines.order_by("position")
        edit(client, draft, act=f"remove-{first.pk}")
        assert draft.lines.get() == second
        edit(client, draft, **{f"quantity-{second.pk}": "0"})
        assert not draft.lines.exists()

    def test_words_and_a_price(self, client_as) -> None:
        draft, client = make_draft(), client_as("support")
        edit(client, draft, act="custom", custom_title="Engraving", custom_quantity="2", custom_price="4.20")
        line = draft.lines.get()
        assert (line.title, line.quantity, line.unit_price, line.variant) == ("Engraving", 2, Decimal("4.20"), None)
        assert edit(client, draft, act="custom", custom_title="").status_code == 422

    def test_a_refused_field_loses_nothing(self, client_as) -> None:
        draft, client = make_draft([(make_variant(), 1)]), client_as("support")
        pk = draft.lines.get().pk
        response = edit(client, draft, **{f"price-{pk}": "ten", "note": "Ring twice"})
        assert response.status_code == 422
        page = text_of(response)
        assert 'value="ten"' in page
        assert "Ring twice" in page
        assert again(draft).version == draft.version

    def test_somebody_elses_save_is_not_overwritten(self, client_as) -> None:
        draft, client = make_draft([(make_variant(), 1)]), client_as("support")
        old = typed(client, draft, po_number="MINE")
        edit(client_as("owner"), draft, po_number="THEIRS")
        response = client.post(reverse("draft-edit", args=[draft.pk]), old)
        assert response.status_code == 422
        assert "changed by somebody else" in text_of(response)
        assert again(draft).po_number == "THEIRS"

    def test_a_title_that_fits_several_shows_the_choices(self, client_as) -> None:
        shirts = [
            make_variant(f"TEE-{size}", title=f"Shirt {size}", search_text=f"tee {size.lower()} shirt")
            for size in "SML"
        ]
        draft, client = make_draft(), client_as("support")
        response = edit(client, draft, act="add", code="shirt")
        assert all(shirt.sku in text_of(response) for shirt in shirts)
        edit(client, draft, act=f"add-{shirts[1].pk}")
        assert draft.lines.get().variant == shirts[1]
        assert edit(client, draft, act="add", code="hat").status_code == 422

    def test_a_customer_is_found_by_name_address_and_phone(self, client_as) -> None:
        order = make_order(phone="+48 600 123 456")
        draft, client = make_draft(email="", customer_name=""), client_as("support")
        for word in ("kowal", order.email[:6], "600 123"):
            assert order.email in text_of(client.get(reverse("draft-find", args=[draft.pk]), {"who": word}))
            assert order.email in text_of(edit(client, draft, act="find", who=word))
        edit(client, draft, act=f"customer-{order.customer_id}")
        assert (again(draft).customer_id, again(draft).email) == (order.customer_id, order.email)

    def test_a_scan_changes_the_lines_and_a_field_only_what_it_changes(self, client_as) -> None:
        make_variant("TEE")
        draft, client = make_draft(), client_as("support")
        scanned = edit(client, draft, act="add", scanned="TEE", htmx=True)
        assert 'id="draft-lines"' in text_of(scanned)
        assert 'id="draft-totals"' in text_of(scanned)
        saved = edit(client, draft, discount="1", htmx=True)
        assert saved["HX-Reswap"] == "none"
        assert "€9.00" in text_of(saved)
        refused = edit(client, draft, discount="lots", htmx=True)
        assert "An amount, or a percentage" in text_of(refused)
        unknown = edit(client, draft, act="add", scanned="NOPE", htmx=True)
        assert "no SKU, barcode or title “NOPE”" in text_of(unknown)

    def test_what_stock_says_of_each_line(self, client_as) -> None:
        tee, mug = make_variant("TEE"), make_variant("MUG")
        give_stock(tee, make_location(), 2)
        page = text_of(client_as("support").get(reverse("draft", args=[make_draft([(tee, 5), (mug, 1)]).pk])))
        assert "2 of 5 in stock" in page
        assert "Not in stock" in page

    @pytest.mark.parametrize("more", [0, 4])
    def test_the_page_takes_the_same_number_of_statements(self, client_as, more) -> None:
        place = make_location()
        lines = []
        for n in range(1 + more):
            variant = make_variant(f"V-{n}")
            give_stock(variant, place, 5)
            lines.append((variant, 2))
        draft, client = make_draft(lines, held_for=SOON), client_as("owner")
        url = reverse("draft", args=[draft.pk])
        client.get(url)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        assert len(queries) <= 24, [q["sql"][:120] for q in queries]


class TestActs:
    def test_held_by_the_form_and_released(self, client_as) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 5)
        draft, client = make_draft([(tee, 2)]), client_as("support")
        edit(client, draft, act="hold", hold_until="2036-12-24T18:00")
        assert HeldStock.objects.get().quantity == 2
        edit(client, draft, act="release")
        assert not HeldStock.objects.exists()

    def test_paid_in_person_leads_to_the_order(self, client_as) -> None:
        tee = make_variant()
        give_stock(tee, make_location(), 5)
        draft, client = make_draft([(tee, 2)]), client_as("operations")
        for _n in range(2):  # pressed twice, it is one order
            response = client.post(
                reverse("draft-edit", args=[draft.pk]), typed(client, draft, act="paid", method="Cash", amount="")
                if again(draft).state == "open" else {"act": "paid"}
            )  # fmt: skip
        order = Order.objects.get()
        assert response.url == reverse("order", args=[order.pk])
        assert (order.payment, order.captured_total) == ("paid", 20)

    def test_who_may_not_record_money_places_nothing_with_it(self, client_as) -> None:
        draft = make_draft([(make_variant(), 2)])
        response = edit(client_as("support"), draft, act="paid", method="Cash", amount="")
        assert response.status_code == 403
        assert not Order.objects.exists()

    def test_placed_on_terms(self, client_as) -> None:
        draft, client = make_draft([(make_variant(), 2)]), client_as("support")
        assert edit(client, draft, act="terms").status_code == 409
        edit(client, draft, act="terms", terms="net30", po_number="PO 7")
        assert Order.objects.get().po_number == "PO 7"
        assert Order.objects.get().payment_due_on is not None

    def test_sent_with_link_and_paper(self, client_as) -> None:
        draft, client = make_draft([(make_variant("TEE"), 2)], note="Thank you"), client_as("support")
        edit(client, draft, act="send", note="Thank you")
        sent = again(draft)
        for _n in range(2):  # told twice, it is one mail
            mail_draft(DraftSent(sent.pk, sent.version), actor=ACTOR, now=NOW)
        mail = OutgoingMail.objects.select_related("attachment").get(about=sent.subject)
        assert mail.to == sent.email
        assert f"/offer/{sent.token}/" in mail.text
        document = Document.objects.get(subject=sent.subject)
        assert (document.kind, document.total, document.lines[0]["sku"]) == ("pro_forma", sent.total, "TEE")
        assert document.number in paper_text(bytes(mail.attachment.data))
        assert f"/offer/{sent.token}/" in text_of(client.get(reverse("draft", args=[draft.pk])))

    def test_copied_ended_and_opened_again(self, client_as) -> None:
        draft, client = make_draft([(make_variant(), 2)]), client_as("support")
        act = reverse("draft-act", args=[draft.pk])
        response = client.post(act, {"action": "duplicate"})
        assert response.url != reverse("draft", args=[draft.pk])
        for action, state in (
            ("expire", "expired"),
            ("reopen", "open"),
            ("cancel", "cancelled"),
            ("reopen", "cancelled"),
        ):
            client.post(act, {"action": action})
            assert again(draft).state == state
            assert client.get(reverse("draft", args=[draft.pk])).status_code == 200

    def test_the_list_by_tab_and_many_expire(self, client_as) -> None:
        drafts, client = [make_draft([(make_variant(), 1)]) for _n in range(3)], client_as("support")
        send_draft(draft_id=drafts[0].pk, actor=ACTOR, now=NOW)
        assert drafts[0].number in text_of(client.get(reverse("drafts"), {"tab": "sent"}))
        assert drafts[0].number not in text_of(client.get(reverse("drafts"), {"tab": "open"}))
        client.post(reverse("drafts"), {"action": "expire", "id": [d.pk for d in drafts], "confirmed": "1"})
        assert {again(d).state for d in drafts} == {"expired"}


class TestStockPages:
    def test_they_name_the_draft_that_holds_units(self, client_as) -> None:
        tee, place = make_variant(), make_location()
        level = give_stock(tee, place, 5)
        draft = make_draft([(tee, 2)], held_for=SOON)
        page = text_of(client_as("warehouse").get(reverse("stock-level", args=[level.pk])))
        assert draft.number in page
        assert reverse("draft", args=[draft.pk]) in page
        owner = HeldStock.objects.get().owner
        assert drafts_of_owners([owner, "order_line:1", "draft_hold:x"]) == {
            owner: (draft.number, reverse("draft", args=[draft.pk]))
        }


class TestRights:
    def test_who_may_only_look_gets_no_form(self, client_as) -> None:
        draft = make_draft([(make_variant(), 1)])
        page = client_as("viewer").get(reverse("draft", args=[draft.pk]))
        assert page.status_code == 200
        assert "draft-form" not in text_of(page)
        assert client_as("warehouse").get(reverse("drafts")).status_code == 403
        assert client_as("viewer").post(reverse("draft-edit", args=[draft.pk])).status_code == 403


class TestOffer:
    def sent(self, **more) -> DraftOrder:
        tee = make_variant()
        give_stock(tee, make_location(), 9)
        return send_draft(draft_id=make_draft([(tee, 2)], **more).pk, actor=ACTOR, now=NOW)

    def accept(self, draft: DraftOrder, version: int | None = None):
        return Client().post(reverse("draft-offer-accept", args=[draft.token]), {"version": version or draft.version})

    def test_the_customer_places_it_and_goes_on(self) -> None:
        draft = self.sent(held_for=SOON)
        page = Client().get(reverse("draft-offer", args=[draft.token]))
        assert "€20.00" in text_of(page)
        assert page["Cache-Control"] == "private, no-store"
        first, second = self.accept(draft), self.accept(draft)
        order = Order.objects.get()
        assert first.url == second.url
        assert order.token in first.url
        assert order.holds.filter(kind="payment").exists()
        assert Client().get(reverse("draft-offer", args=[draft.token])).url == first.url
        assert Client().get(first.url).status_code == 200

    def test_an_offer_that_was_changed_is_shown_anew(self, client_as) -> None:
        draft = self.sent()
        edit(client_as("support"), draft, discount="5")
        response = self.accept(draft)
        assert response.status_code == 409
        assert "€15.00" in text_of(response)
        assert not Order.objects.exists()

    def test_on_terms_nothing_is_held_back(self) -> None:
        self.accept(self.sent(terms="net30"))
        order = Order.objects.get()
        assert (order.on_hold, order.payment_due_on is not None) == (False, True)

    def test_a_link_that_was_never_sent_or_is_made_up_shows_nothing(self) -> None:
        draft = make_draft([(make_variant(), 1)])
        for token in (draft.token, "x" * 32, "nothing"):
            assert Client().get(reverse("draft-offer", args=[token])).status_code == 404
            assert Client().post(reverse("draft-offer-accept", args=[token]), {"version": 1}).status_code == 404

    def test_what_has_ended_is_accepted_by_nobody(self) -> None:
        draft = self.sent()
        end_draft(draft_id=draft.pk, action="cancel", actor=ACTOR, now=NOW)
        assert self.accept(draft, again(draft).version).status_code == 409
        assert "not open any more" in text_of(Client().get(reverse("draft-offer", args=[draft.token])))

    def test_in_the_customers_language(self) -> None:
        draft = self.sent(language="fa")
        assert 'dir="rtl"' in text_of(Client().get(reverse("draft-offer", args=[draft.token])))
        assert Client().get(reverse("draft-offer-pdf", args=[draft.token]))["Content-Type"] == "application/pdf"


class TestTaxRates:
    def test_added_changed_and_taken_away(self, client_as) -> None:
        client = client_as("finance")
        client.post(reverse("tax-rates"), {"country": "PL", "name": "VAT", "rate": "23", "on_shipping": "on"})
        rate = TaxRate.objects.get()
        assert (rate.rate, rate.on_shipping) == (Decimal("0.23"), True)
        assert client.post(reverse("tax-rates"), {"country": "PL", "name": "VAT", "rate": "8"}).status_code == 422
        client.post(reverse("tax-rate", args=[rate.pk]), {"country": "PL", "name": "VAT", "rate": "8"})
        assert TaxRate.objects.get().rate == Decimal("0.08")
        client.post(reverse("tax-rate-delete", args=[rate.pk]))
        assert not TaxRate.objects.exists()
        assert client_as("support").get(reverse("tax-rates")).status_code == 403
