"""Files as the European Central Bank writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01" '
    'xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">\n\t<gesmes:subject>Reference rates</gesmes:subject>\n\t'
    "<gesmes:Sender>\n\t\t<gesmes:name>European Central Bank</gesmes:name>\n\t</gesmes:Sender>\n\t<Cube>\n"
)


def ecb_file(days: Mapping[date, Mapping[str, str]]) -> bytes:
    """The bank's file of these days: {day: {currency: units for one euro}}."""
    parts = [_HEAD]
    for day, rates in days.items():
        parts.append(f"\t\t<Cube time='{day.isoformat()}'>\n")
        parts += [f"\t\t\t<Cube currency='{currency}' rate='{rate}'/>\n" for currency, rate in rates.items()]
        parts.append("\t\t</Cube>\n")
    return ("".join(parts) + "\t</Cube>\n</gesmes:Envelope>").encode()
