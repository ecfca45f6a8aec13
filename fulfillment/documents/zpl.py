"""The label as ZPL II for thermal printers of 203 dpi (Zebra's “ZPL II Programming Guide”).

Text of strangers can hold no command: every byte but letters, digits and a few signs is written in hexadecimal (^FH),
so a `^` or `~` in a name is printed and never obeyed. Scripts that a printer cannot shape are sent as a picture (^GF).
"""

from __future__ import annotations

import string

from PIL import Image, ImageDraw, ImageFont, features

from core.paper.text import direction

from . import fonts
from .labels import HEIGHT, WIDTH, Label, label_layout
from .sheet import Bars, Box, Element, QrCode, Text, needs_shaping

_PLAIN = frozenset((string.ascii_letters + string.digits + " .,-/:()#+&").encode())
# In Code 128 field data these start a control sequence of their own (table “Code 128 Invocation Characters”).
_CODE128_INVOCATIONS = str.maketrans({"^": "><", ">": ">0", "~": ">="})
_BLACK_BELOW = 160  # grey level, 0 to 255


def label_zpl(label: Label) -> str:
    """The label as one ZPL format, pure ASCII. Raises NotEncodable for a tracking number that no Code 128 holds."""
    body = [_field(element) for element in label_layout(label)]
    # ^CI28: field data is UTF-8; ^PW, ^LL: size in dots; ^LH: origin; ^PQ1: one copy.
    return "\n".join([f"^XA^CI28^PW{WIDTH}^LL{HEIGHT}^LH0,0", *body, "^PQ1^XZ", ""])


def labels_zpl(labels: list[Label]) -> str:
    """Many labels as one print file, in order."""
    return "".join(label_zpl(label) for label in labels)


def _field(element: Element) -> str:
    match element:
        case Text():
            return _text(element)
        case Box(x, y, width, height):
            return f"^FO{x},{y}^GB{width},{height},{min(width, height)}^FS"
        case Bars(x, y, module, height, data):
            escaped = field_data(data.translate(_CODE128_INVOCATIONS))
            return f"^FO{x},{y}^BY{module}^BCN,{height},N,N,N,A^FH^FD{escaped}^FS"
        case QrCode(x, y, module, data):
            # “MA,”: error correction M, automatic input mode.
            return f"^FO{x},{y}^BQN,2,{module}^FH^FDMA,{field_data(data)}^FS"


def _text(line: Text) -> str:
    """^A0 is the printer's scalable font; it is narrower than the one measured with, so what fits there fits here."""
    if needs_shaping(line.text) and features.check("raqm"):
        return _picture(line)
    reverse = "^FR" if line.white else ""
    return f"^FO{line.x},{line.y}^A0N,{line.size},{line.size}{reverse}^FH^FD{field_data(line.text)}^FS"


def field_data(text: str) -> str:
    """Text for ^FD after ^FH: UTF-8, every byte that could mean something to a printer as `_` and two hex digits."""
    return "".join(chr(byte) if byte in _PLAIN else f"_{byte:02X}" for byte in text.encode())


def _picture(line: Text) -> str:
    """The line, shaped and in reading order, as a graphic field of 1-bit pixels."""
    picture = _shaped(line)
    row_bytes = picture.width // 8
    data = picture.tobytes()
    rows = [data[start : start + row_bytes] for start in range(0, len(data), row_bytes)]
    return f"^FO{line.x},{line.y}^GFA,{len(data)},{len(data)},{row_bytes},{''.join(map(_graphic_row, rows))}^FS"


def _shaped(line: Text) -> Image.Image:
    """A 1-bit image, black as 1, as wide as the text rounded up to whole bytes."""
    available = fonts.label_fonts()
    path = available.second or (available.bold if line.bold else available.regular)
    font = ImageFont.truetype(str(path), line.size, layout_engine=ImageFont.Layout.RAQM)
    reading = direction(line.text)
    width = min(int(font.getlength(line.text, direction=reading)) + 2, WIDTH - line.x)
    canvas = Image.new("L", ((width + 7) // 8 * 8, round(line.size * 1.3)), 255)
    ImageDraw.Draw(canvas).text((0, 0), line.text, fill=0, font=font, direction=reading)
    return canvas.point(lambda level: 255 if level < _BLACK_BELOW else 0, mode="1")


def _graphic_row(row: bytes) -> str:
    """Hex digits of a row; a comma stands for zeros up to its end (alternative data compression of ^GF)."""
    digits = row.hex().upper()
    kept = digits.rstrip("0")
    return digits if len(kept) == len(digits) else f"{kept},"
