"""Barcodes: Code 128 (ISO/IEC 15417) and QR (ISO/IEC 18004) as modules and as 1-bit PNG data URIs.

Bitmaps, because WeasyPrint draws one image about ten times faster than the hundreds of rectangles of an SVG code.
"""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache

import segno
from barcode.codex import Code128

CODE128_QUIET_ZONE = 10  # modules on each side, by ISO/IEC 15417
QR_QUIET_ZONE = 4  # modules on each side, by ISO/IEC 18004
_CODE128_LONGEST = 48
_QR_LONGEST = 600
_CODE128_IMAGE_ROWS = 32  # 12 mm at three printer dots a module
# Every mask decodes; scoring all eight to find the prettiest costs 4 ms a code.
_QR_MASK = 2


class NotEncodable(ValueError):
    """The text cannot be put into this kind of code."""


@lru_cache(maxsize=1024)
def code128_modules(text: str) -> str:
    """The bars of `text` as a string of "1" (bar) and "0" (space), one per module, without quiet zones.

    Only printable ASCII of 1 to 48 characters: scanners disagree about everything else. Raises NotEncodable.
    """
    if not text or len(text) > _CODE128_LONGEST:
        raise NotEncodable(f"A Code 128 holds 1 to {_CODE128_LONGEST} characters, not {len(text)}.")
    if not (text.isascii() and text.isprintable()):
        raise NotEncodable(f"A Code 128 holds printable ASCII only, not {text!r}.")
    return str(Code128(text).build()[0])


@lru_cache(maxsize=1024)  # a parcel's slip and label carry the same link
def qr_modules(text: str) -> tuple[bytes, ...]:
    """The QR symbol of `text` (error correction M), row by row, 1 for a dark module, without quiet zone.

    Raises NotEncodable when it is empty or longer than 600 characters.
    """
    if not text or len(text) > _QR_LONGEST:
        raise NotEncodable(f"A QR code holds 1 to {_QR_LONGEST} characters, not {len(text)}.")
    symbol = segno.make_qr(text, error="m", mask=_QR_MASK, boost_error=False)
    return tuple(bytes(row) for row in symbol.matrix)


def runs(modules: str | Sequence[int]) -> Iterator[tuple[int, int]]:
    """(start, length) of each run of dark modules, to draw neighbouring modules as one rectangle."""
    dark = [module in ("1", 1) for module in modules]
    start = 0
    while start < len(dark):
        if not dark[start]:
            start += 1
            continue
        end = start
        while end < len(dark) and dark[end]:
            end += 1
        yield start, end - start
        start = end


def code128_png(text: str) -> str:
    """Data URI of the Code 128 with quiet zones: one pixel per module, 32 pixels high."""
    quiet = "0" * CODE128_QUIET_ZONE
    row = [int(module) for module in f"{quiet}{code128_modules(text)}{quiet}"]
    return _png_uri([row] * _CODE128_IMAGE_ROWS)


def qr_png(text: str) -> str:
    """Data URI of the QR code with quiet zone: one pixel per module."""
    matrix = qr_modules(text)
    side = bytes(QR_QUIET_ZONE)
    blank = [bytes(len(matrix) + 2 * QR_QUIET_ZONE)] * QR_QUIET_ZONE
    return _png_uri([*blank, *(side + row + side for row in matrix), *blank])


def _png_uri(rows: Sequence[Sequence[int]]) -> str:
    """A 1-bit greyscale PNG (W3C PNG, colour type 0) of rows where 1 is black."""
    width = len(rows[0])
    packed = b"".join(b"\0" + _packed_bits(row) for row in rows)
    header = struct.pack(">IIBBBBB", width, len(rows), 1, 0, 0, 0, 0)
    png = b"".join(
        (b"\x89PNG\r\n\x1a\n", _chunk(b"IHDR", header), _chunk(b"IDAT", zlib.compress(packed, 6)), _chunk(b"IEND", b""))
    )
    return "data:image/png;base64," + base64.b64encode(png).decode()


def _packed_bits(row: Sequence[int]) -> bytes:
    """Eight pixels a byte, white as 1, padded with zeros."""
    width = len(row)
    length = (width + 7) // 8
    bits = "".join("0" if module else "1" for module in row)
    return (int(bits, 2) << (length * 8 - width)).to_bytes(length, "big")


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
