"""Barcode labels: every code on every paper scans, for a printer of 203 dpi too, and no name can command one."""

from __future__ import annotations

import re
from typing import Any

import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.paper.codes import NotEncodable
from fulfillment.documents.fonts import label_fonts
from inventory.codes import bin_code, bin_of_code, variant_of_code
from inventory.documents.barcodes import SIZES, BarcodeLabel, Fonts, ean13_of, labels_pdf, labels_zpl, symbol_of
from inventory.models import StockLevel
from tests.factories.papers import PERSIAN, page_images, page_sizes, text_of
from tests.factories.shop import give_stock, make_location, make_variant

EAN = "5901234123457"


def fonts() -> Fonts:
    found = label_fonts()
    return Fonts(found.regular, found.bold, found.second)


def pdf(labels: list[BarcodeLabel], size: str, **more: Any) -> bytes:
    return labels_pdf(labels, SIZES[size], fonts(), **more)


def codes_of(data: bytes) -> list[str]:
    return [code.text for image in page_images(data) for code in zxingcpp.read_barcodes(image)]


@pytest.mark.parametrize("size", SIZES)
def test_every_label_of_a_sheet_scans(size: str) -> None:
    codes = [f"TEE-{n:03d}" for n in range(SIZES[size].per_page + 1)]
    data = pdf([BarcodeLabel(code, "T-shirt, blue", code) for code in codes], size)
    assert sorted(codes_of(data)) == codes
    width, height = page_sizes(data)[0]
    assert (round(width), round(height)) == tuple(
        round(side * 72 / 25.4) for side in (SIZES[size].width, SIZES[size].height)
    )
    assert len(page_sizes(data)) == 2


@pytest.mark.parametrize("size", SIZES)
def test_a_gtin_is_an_ean_13_and_a_bin_says_that_it_is_one(size: str) -> None:
    data = pdf([BarcodeLabel("TEE", "T-shirt", EAN), BarcodeLabel("A-01-3", "Main", bin_code("A-01-3"))], size)
    found = {(code.text, code.format.name) for image in page_images(data) for code in zxingcpp.read_barcodes(image)}
    assert {text for text, _format in found} == {EAN, "BIN:A-01-3"}
    assert {kind for text, kind in found if text == EAN} == {"EAN13"}


def test_upc_a_is_printed_as_ean_13_and_a_wrong_check_digit_as_code_128() -> None:
    assert ean13_of("036000291452") == "0036000291452" and ean13_of("5901234123458") is None
    assert codes_of(pdf([BarcodeLabel("X", "", "5901234123458")], "57x32")) == ["5901234123458"]


def test_used_places_of_the_first_sheet_stay_empty() -> None:
    data = pdf([BarcodeLabel(f"T-{n}", "", f"T-{n}") for n in range(3)], "a4_3x8", skip=23)
    images = page_images(data)
    assert [len(zxingcpp.read_barcodes(image)) for image in images] == [1, 2]


def test_names_in_any_script_and_of_any_length_stay_on_the_label() -> None:
    labels = [
        BarcodeLabel("SKU-1", " ".join(PERSIAN), "SKU-1"),
        BarcodeLabel("S" * 60, "Ł" * 200, "SKU-2"),
        BarcodeLabel("", "", "SKU-3"),
    ]
    data = pdf(labels, "57x32")
    assert codes_of(data) == ["SKU-1", "SKU-2", "SKU-3"]
    assert "…" in text_of(data)


@pytest.mark.parametrize("code", ["X" * 40, "مداد", "", "a\x00b"])
def test_what_no_label_can_carry_is_refused(code: str) -> None:
    with pytest.raises(NotEncodable):
        pdf([BarcodeLabel("X", "", code)], "57x32")


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=24))
def test_any_printable_code_is_read_back(code: str) -> None:
    symbol = symbol_of(code)
    picture = Image.new("L", ((symbol.width) * 3, 90), 255)
    for at, module in enumerate(symbol.modules):
        if module == "1":
            picture.paste(0, ((symbol.quiet[0] + at) * 3, 0, (symbol.quiet[0] + at + 1) * 3, 90))
    [found] = zxingcpp.read_barcodes(picture)
    assert found.text == (ean13_of(code) or code)


class TestZpl:
    def test_copies_size_and_bars(self) -> None:
        label = BarcodeLabel("TEE", "T-shirt", "TEE-1")
        text = labels_zpl([label, label, BarcodeLabel("MUG", "Mug", EAN)], SIZES["57x32"])
        assert text.count("^XA") == 2 and "^PQ2" in text and "^PW456^LL256" in text
        assert f"^BEN,102,N,N^FD{EAN[:12]}^FS" in text and "^BCN" in text and text.isascii()

    @given(st.text(max_size=60), st.text(max_size=60))
    def test_no_name_commands_the_printer(self, headline: str, detail: str) -> None:
        text = labels_zpl([BarcodeLabel(headline, detail, "TEE-1")], SIZES["57x32"])
        commands = re.findall(r"[\^~][A-Z0-9]{2}", text)
        assert commands == [
            "^XA",
            "^CI",
            "^PW",
            "^LL",
            "^LH",
            "^FO",
            "^A0",
            "^FB",
            "^FH",
            "^FD",
            "^FS",
            "^FO",
            "^A0",
            "^FB",
            "^FH",
            "^FD",
            "^FS",
            "^FO",
            "^BY",
            "^BC",
            "^FH",
            "^FD",
            "^FS",
            "^FO",
            "^A0",
            "^FB",
            "^FH",
            "^FD",
            "^FS",
            "^PQ",
            "^XZ",
        ]

    def test_sheets_and_long_codes_are_for_paper(self) -> None:
        for label, size in (
            (BarcodeLabel("T", "", "T"), "a4_3x8"),
            (BarcodeLabel("T", "", "ABCDEFGHIJKLMNOPQRSTU"), "57x32"),
        ):
            with pytest.raises(NotEncodable):
                labels_zpl([label], SIZES[size])


class TestCodes:
    def test_a_bins_label_names_the_bin(self) -> None:
        assert (
            bin_of_code(bin_code("A-01")) == "A-01"
            and bin_of_code("bin:A-01 ") == "A-01"
            and bin_of_code("A-01") is None
        )

    @pytest.mark.django_db
    def test_what_a_scanner_sends_finds_the_variant(self) -> None:
        tee, upc = make_variant("Tee-1", barcode=EAN), make_variant("UPC", barcode="036000291452")
        for code in ("Tee-1", " Tee-1 ", EAN, f"0{EAN}"):
            assert variant_of_code(code) == tee
        assert variant_of_code("0036000291452") == upc
        assert variant_of_code("TEE-1") is None and variant_of_code("") is None and variant_of_code("\x00") is None
        make_variant("TWIN", barcode=EAN)
        assert variant_of_code(EAN) is None, "two have it: nobody guesses"


@pytest.mark.django_db
class TestPage:
    @pytest.fixture
    def level(self) -> StockLevel:
        return give_stock(make_variant("TEE", barcode=EAN), make_location("Main"), 3, bin="A-1")

    def test_from_the_list_to_a_file(self, client_as: Any, level: StockLevel) -> None:
        client = client_as("viewer")
        response = client.post("/stock/", {"action": "labels", "id": [level.pk]})
        page = client.get(response["Location"]).content.decode()
        assert f'name="n-sku-{level.pk}"' in page and 'value="3"' in page
        form = {
            "levels": str(level.pk),
            "what": "skus",
            "size": "57x32",
            "file": "pdf",
            "step": "print",
            f"n-sku-{level.pk}": "2",
        }
        answer = client.post("/stock/barcodes/", form)
        assert answer["Content-Type"] == "application/pdf" and codes_of(answer.content) == [EAN, EAN]
        zpl = client.post("/stock/barcodes/", form | {"file": "zpl"})
        assert b"^PQ2" in zpl.content and "attachment" in zpl["Content-Disposition"]

    def test_the_bins_of_a_location(self, client_as: Any, level: StockLevel) -> None:
        give_stock(make_variant(), level.location, 3, bin="A-1")
        client = client_as("warehouse")
        assert (
            f"/stock/barcodes/?location={level.location_id}"
            in client.get(f"/locations/{level.location_id}/").content.decode()
        )
        page = client.get(f"/stock/barcodes/?location={level.location_id}").content.decode()
        assert page.count("BIN:A-1") == 1
        form = {
            "location": str(level.location_id),
            "what": "bins",
            "size": "a4_3x8",
            "file": "pdf",
            "step": "print",
            "n-bin-0-A-1": "1",
        }
        assert codes_of(client.post("/stock/barcodes/", form).content) == ["BIN:A-1"]

    def test_what_does_not_fit_is_named(self, client_as: Any) -> None:
        level = give_stock(make_variant("A-VERY-LONG-SKU-THAT-NOBODY-SHOULD-HAVE"), make_location(), 3)
        form = {
            "levels": str(level.pk),
            "what": "skus",
            "size": "a4_4x10",
            "file": "pdf",
            "step": "print",
            f"n-sku-{level.pk}": "1",
        }
        answer = client_as("owner").post("/stock/barcodes/", form)
        assert answer.status_code == 422 and "does not fit on this label" in answer.content.decode()
        assert client_as("owner").post("/stock/barcodes/", form | {"size": "4x6"}).status_code == 200
        roll = client_as("owner").post("/stock/barcodes/", form | {"size": "57x32", "file": "zpl"})
        assert roll.status_code == 422 and "does not fit on this label" in roll.content.decode()
        sheet = client_as("owner").post("/stock/barcodes/", form | {"file": "zpl"})
        assert sheet.status_code == 422 and "single labels" in sheet.content.decode()
