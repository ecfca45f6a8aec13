"""The permission matrix: one table, used by views, the API, the screens and the tests."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.refusals import NotAllowed


class Role(models.TextChoices):
    OWNER = "owner", gettext_lazy("Owner")
    OPERATIONS = "operations", gettext_lazy("Operations")
    WAREHOUSE = "warehouse", gettext_lazy("Warehouse")
    SUPPORT = "support", gettext_lazy("Support")
    FINANCE = "finance", gettext_lazy("Finance")
    VIEWER = "viewer", gettext_lazy("Viewer")


_ALL = frozenset(Role.values)
_OFFICE = frozenset({Role.OWNER, Role.OPERATIONS, Role.SUPPORT, Role.FINANCE, Role.VIEWER})
_OPS = frozenset({Role.OWNER, Role.OPERATIONS})
_FLOOR = frozenset({Role.OWNER, Role.OPERATIONS, Role.WAREHOUSE})
_CARE = frozenset({Role.OWNER, Role.OPERATIONS, Role.SUPPORT})
_MONEY = frozenset({Role.OWNER, Role.FINANCE})
_OWNER = frozenset({Role.OWNER})

#: permission → roles that hold it. What is not here nobody may do.
MATRIX: dict[str, frozenset[str]] = {
    "home.view": _ALL,
    "orders.view": _ALL,
    "orders.create": _CARE,
    "orders.edit": _CARE,
    "orders.change": _CARE,
    "orders.cancel": _CARE,
    "orders.archive": _CARE,
    "orders.assign": _ALL - {Role.VIEWER},
    "orders.hold": _CARE,
    "orders.tag": _CARE,
    "orders.note": _ALL - {Role.VIEWER},
    "orders.export": _OFFICE,
    "orders.route": _OPS,
    "payments.view": _OFFICE,
    "payments.record": frozenset({Role.OWNER, Role.OPERATIONS, Role.FINANCE}),
    "payments.refund": frozenset({Role.OWNER, Role.FINANCE, Role.SUPPORT}),
    "payments.capture": frozenset({Role.OWNER, Role.OPERATIONS, Role.FINANCE}),
    "gateways.edit": _OWNER,
    "invoices.view": _OFFICE,
    "invoices.issue": _CARE | _MONEY,
    "drafts.view": _OFFICE,
    "drafts.edit": _CARE,
    "risk.view": _OFFICE,
    "risk.edit": _OPS,
    "rates.edit": _MONEY,
    "backorders.view": _ALL,
    "backorders.fill": _OPS,
    "customers.view": _OFFICE,
    "customers.edit": _CARE,
    "inventory.view": _ALL,
    "inventory.adjust": _FLOOR,
    "inventory.edit": _OPS,
    "inventory.export": _ALL,
    "locations.edit": _OPS,
    "costs.view": _OFFICE,
    "transfers.view": _ALL,
    "transfers.edit": _FLOOR,
    "purchasing.view": _ALL,
    "purchasing.edit": _OPS | _MONEY,
    "purchasing.send": _OPS | _MONEY,
    "purchasing.receive": _FLOOR,
    "counts.view": _ALL,
    "counts.count": _FLOOR,
    "counts.post": _OPS,
    "quality.view": _ALL,
    "quality.edit": _FLOOR,
    "availability.view": _ALL,
    "availability.edit": _OPS,
    "replenishment.view": _ALL,
    "replenishment.edit": _OPS,
    "alerts.snooze": _FLOOR,
    "routing.view": _ALL,
    "routing.edit": _OPS,
    "fulfillment.view": _ALL,
    "fulfillment.pick": _FLOOR,
    "fulfillment.pack": _FLOOR,
    "fulfillment.ship": _FLOOR,
    "fulfillment.print": _FLOOR,
    "fulfillment.cancel": _OPS,
    "returns.view": _ALL,
    "returns.approve": _CARE,
    "returns.receive": _FLOOR,
    "channels.view": _OFFICE,
    "channels.edit": _OPS,
    "imports.run": _OPS,
    "reports.view": _OFFICE,
    "jobs.view": _ALL,
    "jobs.cancel": _FLOOR | _CARE,
    "users.view": _OWNER,
    "users.edit": _OWNER,
    "settings.edit": _OWNER,
    "audit.view": _MONEY | _OPS,
    "views.share": _OPS,
}


def role_allows(role: str, permission: str) -> bool:
    """True when the role holds the permission; an unknown permission or role is never allowed."""
    return role in MATRIX.get(permission, frozenset())


def require_permission(holder: Any, permission: str) -> None:
    """Raise NotAllowed unless the user or API token (anything with `.can`) holds the permission."""
    if not holder.can(permission):
        raise NotAllowed(
            "not_allowed", _("Your role does not include this ({permission}).").format(permission=permission)
        )


def require(permission: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """Decorate a view: anonymous people go to the login page, a role without the permission gets 403.

    The permission is kept on the view (`view.permission`), so that a test can walk every route.
    """
    if permission not in MATRIX:
        raise LookupError(f"unknown permission {permission!r}")

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': request.get_full_path()})}")
            require_permission(request.user, permission)
            return view(request, *args, **kwargs)

        guarded.permission = permission  # type: ignore[attr-defined]
        return guarded

    return decorate


def public(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Mark a view as meant for people without a login (portal, login, health)."""
    view.permission = None  # type: ignore[attr-defined]
    return view
