"""Codes: what is drawn is what a scanner reads."""

from __future__ import annotations

import base64
import io
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.paper.codes import NotEncodable, code128_modules, code128_png, qr_modules, qr_png, runs
from tests.factories.papers import codes_on

PRINTABLE_ASCII = string.ascii_letters + string.digits + string.punctuation + " "


def image_of(data_uri: str, dots: int = 3) -> Image.Image:
    head, _, body = data_uri.partition(",")
    assert head == "data:image/png;base64"
    image = Image.open(io.BytesIO(base64.b64decode(body)))
    assert image.mode == "1"
    return image.convert("L").resize((image.width * dots, image.height * dots), Image.Resampling.NEAREST)


@settings(max_examples=60, deadline=None)
@given(st.text(PRINTABLE_ASCII, min_size=1, max_size=30).filter(lambda text: text.strip() == text))
def test_a_code_128_reads_back_as_its_text(text: str) -> None:
    assert codes_on(image_of(code128_png(text))) == {"Code128": text}


@settings(max_examples=40, deadline=None)
@given(st.text(PRINTABLE_ASCII, min_size=1, max_size=120).filter(lambda text: text.strip() == text))
def test_a_qr_code_reads_back_as_its_text(text: str) -> None:
    assert codes_on(image_of(qr_png(text), dots=4)) == {"QRCode": text}


@pytest.mark.parametrize("text", ["", "A" * 49, "FO-١٢٣", "FO²", "tab\there", "naïve"])
def test_a_code_128_refuses_what_scanners_disagree_about(text: str) -> None:
    with pytest.raises(NotEncodable):
        code128_modules(text)


@pytest.mark.parametrize("text", ["", "x" * 601])
def test_a_qr_code_refuses_nothing_and_too_much(text: str) -> None:
    with pytest.raises(NotEncodable):
        qr_modules(text)


def test_runs_cover_exactly_the_dark_modules() -> None:
    modules = code128_modules("FO-100042")
    drawn = ["0"] * len(modules)
    for start, length in runs(modules):
        drawn[start : start + length] = "1" * length
    assert "".join(drawn) == modules
    assert list(runs(bytes([0, 1, 1, 0, 1]))) == [(1, 2), (4, 1)]
