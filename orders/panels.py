"""Parts of an order's page that apps above bring: what they know about the order, shown only where there is something.

An app registers its panels in a module `order_panels`:

    register(Panel("invoices", "invoicing/order_panel.html", "invoices.view", _load,
                   probe="SELECT 1 FROM invoicing_document WHERE order_id = %(order)s"))

All probes go to PostgreSQL as one statement, and only a panel with something to show loads it: an order's page costs what it has,
however many apps know about orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.utils.module_loading import autodiscover_modules

from core.models import User
from orders.models import Order

Load = Callable[[Order, User], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page.

    template: drawn with what `load` answers as `panel`, and with `order`. probe: a SELECT with rows where there is something to
    show; `%(order)s` is the order's id. applies: answers from the order's own columns first, without a statement. aside: at the
    side. load: the same number of statements whatever the order has.
    """

    name: str
    template: str
    permission: str
    load: Load
    probe: str
    applies: Callable[[Order], bool] = lambda _order: True
    aside: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A panel with its data."""

    name: str
    template: str
    data: Mapping[str, Any]
    aside: bool


_PANELS: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a panel; they stand in the order in which they are registered. Raises ValueError for a name that is taken."""
    if panel.name in _PANELS:
        raise ValueError(f"the panel {panel.name!r} is registered twice")
    _PANELS[panel.name] = panel


@lru_cache(maxsize=1)
def _discover() -> None:
    autodiscover_modules("order_panels")


def panels_for(order: Order, user: User) -> list[Shown]:
    """The panels that have something to show to this person: one statement and those of what is shown."""
    _discover()
    asked = [panel for panel in _PANELS.values() if panel.applies(order) and user.can(panel.permission)]
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS ({panel.probe})" for panel in asked), {"order": order.pk})
        found = cursor.fetchone()
    return [
        Shown(panel.name, panel.template, panel.load(order, user), panel.aside)
        for panel, exists in zip(asked, found, strict=True)
        if exists
    ]
