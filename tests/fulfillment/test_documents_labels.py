"""Labels: the codes scan at printer resolution, addresses stay whole, and no name can command a printer."""

from __future__ import annotations

import dataclasses
import logging
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.paper.codes import CODE128_QUIET_ZONE, NotEncodable, code128_modules
from fulfillment.documents.labels import HEIGHT, WIDTH, Label, label_layout
from fulfillment.documents.render import label_hash, render_labels
from fulfillment.documents.sheet import Bars, Text
from fulfillment.documents.zpl import field_data, label_zpl, labels_zpl
from tests.factories.papers import (
    PERSIAN,
    POLISH,
    TURKISH,
    codes_on,
    make_label,
    nasty_rows,
    page_images,
    page_sizes,
    text_of,
)  # fmt: skip

LONG = (
    "Maximilian-Alexander von Hohenlohe-Waldenburg-Schillingsfürst",
    "Company With A Very Long Name International Holding GmbH & Co. KG",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaftsstraße 123456",
    "Apartment 17, Staircase C, Building 4, Floor 12, ring twice at the green door",
    "12345 BERLIN",
    "GERMANY",
)


def zpl_text(zpl: str) -> list[str]:
    """The field data of a format as a printer understands it."""
    fields = re.findall(r"\^FH\^FD(.*?)\^FS", zpl, flags=re.DOTALL)
    return [
        re.sub(rb"_([0-9A-F]{2})", lambda found: bytes([int(found[1], 16)]), field.encode()).decode()
        for field in fields
    ]


def zpl_pictures(zpl: str) -> list[Image.Image]:
    """The graphic fields of a format as images; a comma fills the rest of its row with zeros."""
    pictures = []
    for total, row_bytes, data in re.findall(r"\^GFA,(\d+),\1,(\d+),([0-9A-F,]*)\^FS", zpl):
        width, rows, row = int(row_bytes) * 2, [], ""
        for char in data:
            row = row.ljust(width, "0") if char == "," else row + char
            if len(row) == width:
                rows.append(row)
                row = ""
        raw = bytes.fromhex("".join(rows))
        assert (len(raw), row) == (int(total), "")
        pictures.append(Image.frombytes("1", (width * 4, len(rows)), raw))
    return pictures


@pytest.mark.parametrize("recipient", [POLISH, TURKISH, LONG])
def test_a_label_is_one_4x6_page_with_everything_on_it(recipient: tuple[str, ...]) -> None:
    [rendered] = render_labels([make_label(recipient=recipient)])
    assert rendered.pdf is not None
    assert page_sizes(rendered.pdf) == [(288, 432)]
    assert (WIDTH, HEIGHT) == (812, 1218)
    text = text_of(rendered.pdf).replace(" ", "")
    wanted = ("Express", "ParcelPost", "PL-000·R1", "ZX473124829XZ", "1.250kg", "2026-11-22", "#1042", "Clothing")
    assert [part for part in wanted if part not in text] == []
    assert [line for line in recipient if line.replace(" ", "") not in text] == []


def test_a_number_too_long_to_scan_is_refused() -> None:
    with pytest.raises(NotEncodable, match="too long"):
        label_layout(make_label("A" * 40))


@pytest.mark.parametrize("number", ["ZX473124829XZ", "1", "1Z999AA10123456784", "A" * 30])
def test_the_codes_of_a_label_scan_at_printer_resolution(number: str) -> None:
    [rendered] = render_labels([make_label(number)])
    [image] = page_images(rendered.pdf or b"")
    assert image.size == (WIDTH, HEIGHT)
    assert codes_on(image) == {"Code128": number, "QRCode": "https://shop.example/t/Yk3vN8wqTz5pLr2sXc7dGf"}


@pytest.mark.parametrize("number", ["ZX473124829XZ", "A" * 20])
def test_bars_are_exactly_their_dots_at_203_dpi(number: str) -> None:
    """Drawn at printer resolution every module is as wide as it should be: nothing is left to a printer's rounding."""
    label = make_label(number)
    [bars] = [element for element in label_layout(label) if isinstance(element, Bars)]
    [image] = page_images(render_labels([label])[0].pdf or b"")
    row = image.crop((0, bars.y + 50, WIDTH, bars.y + 51)).tobytes()
    quiet = b"\xff" * bars.x
    drawn = b"".join(
        b"\x00" * bars.module if dark == "1" else b"\xff" * bars.module for dark in code128_modules(number)
    )
    assert row == (quiet + drawn).ljust(WIDTH, b"\xff")
    assert bars.x >= CODE128_QUIET_ZONE * bars.module


def test_persian_is_shaped_and_in_reading_order() -> None:
    """The name is drawn with joined letters from right to left: its picture differs from the letters drawn one by one."""
    shaped, apart = (
        page_images(render_labels([make_label(recipient=(name, "Tehran"))])[0].pdf or b"")[0].crop((24, 420, 788, 480))
        for name in ("محمدرضا", "\u200c".join("محمدرضا"))
    )
    assert shaped.tobytes() != apart.tobytes()
    assert ink_width(shaped) < ink_width(apart)


def ink_width(image: Image.Image) -> int:
    left, _top, right, _bottom = image.point(lambda level: 255 if level < 128 else 0).getbbox() or (0, 0, 0, 0)
    return right - left


def test_a_return_label_says_so() -> None:
    [rendered] = render_labels([make_label(is_return=True)])
    assert "RETURN · Express" in text_of(rendered.pdf or b"")


def test_a_broken_label_is_named_and_the_others_print_in_order(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, logger="fulfillment.documents.render")
    rendered = render_labels([make_label("N1"), make_label("Nº2"), make_label("N3")])
    assert [bool(item.pdf) for item in rendered] == [True, False, True]
    assert "Code 128" in rendered[1].error
    assert [codes_on(page_images(item.pdf)[0])["Code128"] for item in rendered if item.pdf] == ["N1", "N3"]


def test_a_label_survives_its_json_and_every_field_changes_its_key() -> None:
    label = make_label()
    assert Label.from_json(label.to_json()) == label
    assert Label.from_json(make_label(ship_on=None).to_json()).ship_on is None
    other = dataclasses.replace(
        label, carrier="B", service="B", service_code="B", routing_code="B", tracking_number="B", sender=("B",), recipient=("B",),
        weight_grams=1, reference="B", order_number="B", contents="B", ship_on=None, parcel=2, parcels=2, is_return=True, qr="B",
    )  # fmt: skip
    names = [field.name for field in dataclasses.fields(label)]
    assert len({label_hash(dataclasses.replace(label, **{name: getattr(other, name)})) for name in names}) == len(names)


@pytest.mark.parametrize("recipient", [POLISH, TURKISH, PERSIAN, LONG])
def test_all_text_stays_on_the_label(recipient: tuple[str, ...]) -> None:
    from fulfillment.documents.fonts import text_width

    for text in (element for element in label_layout(make_label(recipient=recipient)) if isinstance(element, Text)):
        assert text.x + text_width(text.text, bold=text.bold) * text.size <= WIDTH
        assert text.y + text.size <= HEIGHT


# ---- ZPL -------------------------------------------------------------------------------------------------------------


def test_zpl_says_what_the_pdf_says() -> None:
    zpl = label_zpl(make_label())
    assert zpl.isascii()
    assert zpl.startswith("^XA^CI28^PW812^LL1218^LH0,0\n")
    assert zpl.endswith("^PQ1^XZ\n")
    assert "^BCN,230,N,N,N,A^FH^FDZX473124829XZ^FS" in zpl
    assert re.search(r"\^BQN,2,[2-5]\^FH\^FDMA,https:_2F_2F", zpl) or re.search(
        r"\^BQN,2,[2-5]\^FH\^FDMA,https://", zpl
    )
    fields = zpl_text(zpl)
    assert [line for line in POLISH if line not in fields] == []
    assert {"Express", "Parcel Post", "Order #1042", "Ref FO-100042-1", "Weight 1.250 kg"} <= set(fields)


def test_persian_goes_to_the_printer_as_a_picture() -> None:
    zpl = label_zpl(make_label(recipient=PERSIAN))
    pictures = zpl_pictures(zpl)
    assert len(pictures) == 3
    assert all(picture.getbbox() for picture in pictures)
    assert not any("محمد" in field for field in zpl_text(zpl))
    assert "1987654321" in zpl_text(zpl)


COMMANDS = re.compile(r"[\^~]([A-Z@][A-Z0-9@]?)")


def shape(zpl: str) -> list[str]:
    """The commands of a format in order, without their data."""
    return COMMANDS.findall(zpl)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60))
def test_field_data_holds_no_command_and_reads_back(text: str) -> None:
    text = text.encode("utf-8", "ignore").decode()
    data = field_data(text)
    assert data.isascii()
    assert not set(data) & set("^~\\\n\r\x00")
    assert zpl_text(f"^FH^FD{data}^FS") == [text]


def test_no_name_commands_a_printer() -> None:
    attack = "^XZ^XA^FO0,0^GB812,1218,812^FS~JA~JR^XZ"
    calm, attacked = (
        label_zpl(
            make_label(recipient=(name, name, name), sender=(name,), contents=name, reference=name, order_number=name)
        )
        for name in ("x" * len(attack), attack)
    )
    assert set(shape(attacked)) == set(shape(calm))
    assert attacked.count("^XA") == attacked.count("^XZ") == 1
    assert "~" not in attacked


def test_a_caret_in_a_tracking_number_is_printed_and_not_obeyed() -> None:
    zpl = label_zpl(make_label("A^B~C>D"))
    assert "^FDA_3E_3CB_3E_3DC_3E0D^FS" in zpl


def test_many_labels_are_one_print_file_in_order() -> None:
    zpl = labels_zpl([make_label("N1"), make_label("N2")])
    assert re.findall(r"A\^FH\^FD(N\d)\^FS", zpl) == ["N1", "N2"]


def test_zpl_refuses_a_number_that_no_code_holds() -> None:
    with pytest.raises(NotEncodable):
        label_zpl(make_label("Łódź"))


def test_nasty_strings_in_every_field_still_make_one_whole_label(caplog: pytest.LogCaptureFixture) -> None:
    labels = [
        make_label(
            carrier=a, service=b, service_code=c, routing_code=d, sender=(e, a, b), recipient=(f, c, d, e), reference=b,
            order_number=c, contents=d, qr=a[:200],
        )
        for a, b, c, d, e, f in nasty_rows(6)
    ]  # fmt: skip
    rendered = render_labels(labels)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == []
    assert [page_sizes(item.pdf or b"") for item in rendered] == [[(288, 432)]] * len(labels)
    for label in labels:
        zpl = label_zpl(label)
        assert zpl.isascii()
        assert zpl.count("^XA") == zpl.count("^XZ") == 1
        assert "~" not in zpl
