"""Statements of banks and lists of carriers out of a file: which column is what, in the words that such files use."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from channels.formats import moments, values
from channels.formats.errors import FieldError
from channels.formats.tabular import BadRow, Row, header_key, open_table
from core.refusals import Invalid
from payments.operations.statements import Incoming

#: Column → its names in files, as header_key writes them. The first are those of our own documentation.
NAMES = {
    "day": ("day", "date", "booking date", "booked on", "value date", "buchungstag", "valuta", "data", "data operacji", "data księgowania", "tarih", "işlem tarihi", "تاریخ"),
    "amount": ("amount", "credit", "paid in", "collected", "cod amount", "betrag", "kwota", "tutar", "alacak", "مبلغ"),
    "currency": ("currency", "währung", "waluta", "para birimi", "döviz", "ارز"),
    "payer": ("payer", "name", "from", "counterparty", "sender", "auftraggeber", "nadawca", "kontrahent", "gönderen", "پرداخت‌کننده"),
    "text": ("text", "reference", "order", "order number", "description", "details", "purpose", "remittance information", "verwendungszweck", "tytuł", "opis", "açıklama", "شرح"),
}  # fmt: skip
MOST_ROWS = 50_000
MAX_BYTES = 20 << 20


def read_statement(data: bytes, *, currency: str) -> tuple[list[Incoming], int]:
    """The money that came in, and how many lines were of money that went out. currency: of lines that do not say theirs.

    Several columns may tell of the text; they are read together. Raises Invalid (field ``file``) naming the line at fault.
    """
    if len(data) > MAX_BYTES:
        raise Invalid("file_too_large", _("The file is too large."), field="file")
    found, out = [], 0
    with open_table(data, known=[name for names in NAMES.values() for name in names]) as table:
        places = {
            key: [n for n, name in enumerate(table.header) if header_key(name) in names] for key, names in NAMES.items()
        }
        for needed in ("day", "amount"):
            if not places[needed]:
                names = ", ".join(NAMES[needed][:3])
                raise Invalid(
                    "no_column",
                    _("There is no column for the {what} ({names}).").format(what=needed, names=names),
                    field="file",
                )
        for row in table.rows():
            line = _line(row, places, currency)
            if line is None:
                out += 1
            else:
                found.append(line)
            if len(found) + out > MOST_ROWS:
                raise Invalid(
                    "file_too_large", _("A file has at most {most} rows.").format(most=MOST_ROWS), field="file"
                )
    if not found:
        raise Invalid("empty_file", _("There is no money that came in in this file."), field="file")
    return found, out


def _line(row: Row | BadRow, places: dict[str, list[int]], currency: str) -> Incoming | None:
    if isinstance(row, BadRow):
        raise Invalid("bad_row", _("Line {line}: {message}").format(line=row.line, message=row.message), field="file")

    def cell(key: str) -> str:
        return " ".join(text for n in places[key] if (text := " ".join(row.cells[n].split())))

    try:
        code = values.currency(cell("currency"), "currency") if cell("currency") else currency
        amount = values.money(cell("amount"), "amount", code, minimum=None) if cell("amount") else Decimal(0)
        if amount <= 0:
            return None
        day = moments.day(cell("day"), "day")
    except FieldError as error:
        raise Invalid(
            "bad_row", _("Line {line}: {message}").format(line=row.line, message=error.message), field="file"
        ) from None
    payer, text = values.unguard(cell("payer")), values.unguard(cell("text"))
    return Incoming(day, amount, code, payer.replace("\x00", "")[:200], text.replace("\x00", "")[:500])
