"""What stands on the paper: languages, scripts, rates, several pages, and nothing that a stranger's text could pull in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pypdfium2
import pytest

from core.paper.weasy import pdf_available
from invoicing.billing import Row
from invoicing.drawing import pdf_of
from invoicing.models import Document
from invoicing.paper import document_html, document_pdf
from tests.factories.invoicing import bill, make_taxed_order

D = Decimal
needs_pdf = pytest.mark.skipif(not pdf_available()[0], reason="this machine cannot make PDF")
SELLER = {
    "shop": "Northwind", "address": {"name": "Northwind sp. z o.o.", "line1": "ul. Składowa 8", "city": "Warszawa", "country": "PL"},
    "tax_number": "PL5252248481", "bank_account": "PL61 1090", "footer": "Goods stay ours.",
}  # fmt: skip
ROW = Row("line:1", "Merino – zażółć", 2, D("20.00"), D("4.60"), D("24.60"), D("0.23"), "TEE-1", D("10.00"))


def document(rows: list[Row], **values: Any) -> Document:
    found: dict[str, Any] = {
        "kind": "invoice", "number": "INV-2026-00042", "order_number": "NW-7", "issued_on": date(2026, 11, 22), "due_on": date(2026, 12, 6),
        "settled": False, "currency": "EUR", "language": "en", "tax_included": False, "seller": SELLER,
        "buyer": {"name": "Zofia", "address": {"name": "Zofia Kowalska", "city": "Kraków", "country": "PL"}, "tax_number": "PL676"},
        "lines": [row.to_json() for row in rows], "net_total": sum(row.net for row in rows), "tax_total": sum(row.tax for row in rows),
        "total": sum(row.gross for row in rows), "po_number": "PO-4711",
    }  # fmt: skip
    return Document(**(found | values))


def text_of(pdf: bytes) -> list[str]:
    return [page.get_textpage().get_text_bounded() for page in pypdfium2.PdfDocument(pdf)]


@needs_pdf
class TestPdf:
    def test_all_that_an_invoice_must_say_is_on_it(self) -> None:
        [text] = text_of(
            document_pdf(document([ROW, replace(ROW, key="b", rate=D("0.08"), tax=D("1.60"), gross=D("21.60"))]))
        )
        for wanted in (
            "INV-2026-00042", "November 22, 2026", "December 6, 2026", "Northwind sp. z o.o.", "PL5252248481", "Zofia Kowalska", "PL676",
            "PO-4711", "Merino – zażółć", "TEE-1", "23%", "8%", "€40.00", "€6.20", "€46.20", "PL61 1090", "Goods stay ours.",
        ):  # fmt: skip
            assert wanted in text, wanted

    def test_a_long_one_goes_on_with_its_head_and_number(self) -> None:
        pages = text_of(document_pdf(document([replace(ROW, key=f"line:{n}") for n in range(70)])))
        assert len(pages) > 3
        assert all("INV-2026-00042" in page and f"{n} / {len(pages)}" in page for n, page in enumerate(pages, 1))
        assert all("Unit price" in page for page in pages[:-1]) and "€1,722.00" in pages[-1]

    def test_a_credit_note_names_its_invoice_and_asks_for_nothing(self) -> None:
        paper = document_pdf(
            document([ROW], kind="credit_note", due_on=None, reason="broken"),
            corrects=("INV-2026-00001", date(2026, 1, 2)),
        )
        [text] = text_of(paper)
        assert "INV-2026-00001" in text and "January 2, 2026" in text and "broken" in text and "PL61 1090" not in text

    @pytest.mark.django_db
    def test_a_reprint_is_the_same_file(self) -> None:
        [made] = bill(make_taxed_order([(1, "10", "2.30", "0.23")]))
        first = pdf_of(made)
        again = pdf_of(Document.objects.get(pk=made.pk))
        assert first.pk == again.pk and bytes(first.data) == bytes(again.data)
        assert made.number in text_of(bytes(first.data))[0]


class TestHtml:
    def test_persian_is_written_from_the_right_in_its_digits(self) -> None:
        html = document_html(document([ROW], language="fa"))
        assert '<html lang="fa" dir="rtl">' in html
        for wanted in ("۲۲ نوامبر ۲۰۲۶", "۲۳٪", "۲۴٫۶۰", "counter(page, persian)"):
            assert wanted in html, wanted

    @pytest.mark.parametrize(
        ("language", "wanted"),
        [("pl", "22 listopada 2026"), ("tr", "22 Kasım 2026"), ("tr-TR", "%23"), ("xx", "November 22, 2026")],
    )
    def test_days_and_rates_are_written_as_readers_expect(self, language: str, wanted: str) -> None:
        assert wanted in document_html(document([ROW], language=language))

    @pytest.mark.parametrize(("currency", "amount", "wanted"), [("JPY", "1234", "¥1,234"), ("KWD", "1.234", "KWD")])
    def test_each_currency_has_its_decimals(self, currency: str, amount: str, wanted: str) -> None:
        row = replace(ROW, net=D(amount), tax=D(0), gross=D(amount), unit_price=None)
        html = document_html(document([row], currency=currency))
        assert wanted in html and (currency == "JPY" or "1.234" in html)

    def test_what_strangers_write_is_text(self) -> None:
        nasty = '<img src="http://127.0.0.1/x"><link rel=attachment href="file:///etc/passwd">\u202e'
        html = document_html(
            document(
                [replace(ROW, title=nasty, sku=nasty, bundle=nasty)], reason=nasty, po_number=nasty, order_number=nasty, number=nasty,
                buyer={"name": nasty, "address": {"name": nasty, "city": nasty}, "tax_number": nasty}, seller=SELLER | {"footer": nasty},
            ),
            logo="https://example.com/logo.png",
        )  # fmt: skip
        assert "<img" not in html and "<link" not in html and "example.com" not in html and "\u202e" not in html
        assert "&lt;img" in html

    def test_a_paid_one_asks_for_nothing(self) -> None:
        html = document_html(document([ROW], settled=True, due_on=None))
        assert "Paid. Nothing is due." in html and "Payable by" not in html
