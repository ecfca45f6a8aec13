"""What the short references of the ledger stand for: causes and owners as links, actors as names. Few statements, whatever the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from core.models import ApiToken, Job, User
from counts.models import StockCount
from drafts.models import DraftOrder, HeldStock
from fulfillment.models import FulfillmentOrder
from inventory.models import Lot, SerialNumber, StockMovement, Variant
from orders.models import Order, OrderLine
from quality.models import NonConformance
from returns.models import Return
from transfers.models import Transfer, TransferLine


@dataclass(frozen=True, slots=True)
class Reference:
    """A thing by its name, and where its page is (empty: it has none)."""

    text: str
    url: str = ""


def causes_of(references: Iterable[str]) -> dict[str, Reference]:
    """Reference → what made a movement. At most one statement for each kind of thing among them."""
    wanted = list(dict.fromkeys(references))
    ids = _ids_by_kind(wanted)
    names = {kind: look_up(ids[kind]) for kind, look_up in _FINDERS.items() if ids[kind]}
    return {reference: _cause(reference, names) for reference in wanted}


def _cause(reference: str, names: dict[str, dict[int, Reference]]) -> Reference:
    kind, _colon, key = reference.partition(":")
    if kind in ("adjustment", "user"):
        return Reference(_("By hand"))
    if kind == "token":
        return Reference(_("By API"))
    if kind in names and key.isdigit() and int(key) in names[kind]:
        return names[kind][int(key)]
    return Reference(key.replace("-", " ").capitalize() if key else reference)


def owners_of(references: Iterable[str]) -> dict[str, Reference]:
    """Owner of a reservation → its order ("order_line:12"), transfer ("transfer_line:7") or draft ("draft_hold:3"). At most one statement each."""
    wanted = list(dict.fromkeys(references))
    ids = _ids_by_kind(wanted)
    known: dict[str, Reference] = {}
    if lines := ids["order_line"]:
        rows = OrderLine.objects.filter(pk__in=lines).values_list("pk", "order_id", "order__number")
        known |= {f"order_line:{pk}": Reference(name, reverse("order", args=[order])) for pk, order, name in rows}
    if lines := ids["transfer_line"]:
        rows = TransferLine.objects.filter(pk__in=lines).values_list("pk", "transfer_id", "transfer__number")
        known |= {f"transfer_line:{pk}": Reference(name, reverse("transfer", args=[of])) for pk, of, name in rows}
    if holds := ids["draft_hold"]:
        rows = HeldStock.objects.filter(pk__in=holds).values_list("pk", "line__draft_id", "line__draft__number")
        known |= {f"draft_hold:{pk}": Reference(name, reverse("draft", args=[of])) for pk, of, name in rows}
    return {reference: known.get(reference, Reference(reference)) for reference in wanted}


def actors_of(references: Iterable[str]) -> dict[str, str]:
    """Stored actor → a name for people. At most two statements."""
    wanted = list(dict.fromkeys(references))
    ids = _ids_by_kind(wanted)
    names: dict[str, str] = {}
    if ids["user"]:
        names |= {
            f"user:{u.pk}": u.get_full_name() or u.get_username() for u in User.objects.filter(pk__in=ids["user"])
        }
    if ids["token"]:
        names |= {
            f"token:{pk}": name for pk, name in ApiToken.objects.filter(pk__in=ids["token"]).values_list("pk", "name")
        }
    return {reference: names.get(reference) or reference.partition(":")[2] or reference for reference in wanted}


def _ids_by_kind(references: Iterable[str]) -> dict[str, list[int]]:
    """kind → the whole numbers behind it; what has no number is left out."""
    ids: dict[str, list[int]] = defaultdict(list)
    for reference in references:
        kind, _colon, key = reference.partition(":")
        if key.isascii() and key.isdigit() and len(key) < 19:
            ids[kind].append(int(key))
    return ids


def _orders(ids: list[int]) -> dict[int, Reference]:
    rows = Order.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("order", args=[pk])) for pk, number in rows}


def _work(ids: list[int]) -> dict[int, Reference]:
    rows = FulfillmentOrder.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("fulfillment-order", args=[pk])) for pk, number in rows}


def _returns(ids: list[int]) -> dict[int, Reference]:
    rows = Return.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("return", args=[pk])) for pk, number in rows}


def _transfers(ids: list[int]) -> dict[int, Reference]:
    rows = Transfer.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("transfer", args=[pk])) for pk, number in rows}


def _drafts(ids: list[int]) -> dict[int, Reference]:
    rows = DraftOrder.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("draft", args=[pk])) for pk, number in rows}


def _jobs(ids: list[int]) -> dict[int, Reference]:
    rows = Job.objects.filter(pk__in=ids).values_list("pk", "title")
    return {pk: Reference(title, reverse("job", args=[pk])) for pk, title in rows}


def _undone(ids: list[int]) -> dict[int, Reference]:
    rows = StockMovement.objects.filter(pk__in=ids).values_list("pk", flat=True)
    return {pk: Reference(_("Undoes an adjustment")) for pk in rows}


def _counts(ids: list[int]) -> dict[int, Reference]:
    rows = StockCount.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("count", args=[pk])) for pk, number in rows}


def _cases(ids: list[int]) -> dict[int, Reference]:
    rows = NonConformance.objects.filter(pk__in=ids).values_list("pk", "number")
    return {pk: Reference(number, reverse("nonconformance", args=[pk])) for pk, number in rows}


def _lots(ids: list[int]) -> dict[int, Reference]:
    rows = Lot.objects.filter(pk__in=ids).values_list("pk", "code")
    return {pk: Reference(_("Lot {lot}").format(lot=code or "—"), reverse("lot", args=[pk])) for pk, code in rows}


def _serials(ids: list[int]) -> dict[int, Reference]:
    rows = SerialNumber.objects.filter(pk__in=ids).values_list("pk", "serial")
    return {pk: Reference(serial, reverse("serial", args=[pk])) for pk, serial in rows}


def _variants(ids: list[int]) -> dict[int, Reference]:
    rows = Variant.objects.filter(pk__in=ids).values_list("pk", "sku", "product_id")
    return {pk: Reference(sku, reverse("product", args=[product])) for pk, sku, product in rows}


_FINDERS: dict[str, Callable[[list[int]], dict[int, Reference]]] = {
    "order": _orders,
    "fulfillment": _work,
    "return": _returns,
    "transfer": _transfers,
    "draft": _drafts,
    "count": _counts,
    "nonconformance": _cases,
    "lot": _lots,
    "serial": _serials,
    "variant": _variants,
    "job": _jobs,
    "undo": _undone,
}
