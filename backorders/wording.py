"""How sources read, for staff; the customer's page names none of them."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext as _

from backorders.reading import RELEASE, STOCK

_PAGES = {"purchase_line": "purchase-order", "transfer_line": "transfer"}


def source_text(source: str, number: str) -> str:
    """“PO-12”, or words where no document stands behind it."""
    if source == STOCK:
        return _("Goods that are here")
    if source == RELEASE:
        return _("The release")
    return number or _("Nothing on its way")


def source_url(source: str, document: int | None) -> str:
    """The page of the document behind a source; empty where there is none."""
    page = _PAGES.get(source.partition(":")[0])
    return reverse(page, args=[document]) if page and document else ""
