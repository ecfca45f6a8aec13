"""What the portal's pages show: an order by its token, its progress, its returns and what may still come back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from core.formats import range_text
from core.models import Shop
from customers.portal.parcels import Progress, Step, progress_of
from customers.templatetags.portal import weekday_text
from fulfillment.models import Document, DocumentKind
from invoicing.models import Document as Billing
from invoicing.queries import listed
from orders.models import Order, OrderLine
from orders.states import Delivery, Lifecycle, Payment
from returns.models import Return, ReturnLine
from returns.queries import ReturnableLine, return_window, returnable_lines
from returns.states import Disposition, Resolution, ReturnState

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,43}")


@dataclass(frozen=True, slots=True)
class Headline:
    """The one sentence that a customer came for. tone: as of badges."""

    text: str
    detail: str
    tone: str


@dataclass(frozen=True, slots=True)
class ReturnView:
    """A return as its customer sees it. steps: its way. kept: the customer keeps the goods. sentence: what happens next."""

    request: Return
    steps: list[Step]
    lines: list[ReturnLine]
    kept: bool
    sentence: str
    has_label: bool
    label_coming: bool
    cancellable: bool


@dataclass(frozen=True, slots=True)
class TrackingPage:
    """All of the tracking page."""

    order: Order
    headline: Headline
    progress: Progress
    returns: list[ReturnView]
    documents: list[Billing]
    returnable: bool
    return_until: date | None
    support_email: str


def order_by_token(token: str) -> Order | None:
    """The order of an unguessable link; None for anything else, and for a text that cannot be a token."""
    if not _TOKEN.fullmatch(token):
        return None
    return Order.objects.select_related("channel").filter(token=token).first()


def tracking_page(order: Order, *, now: datetime) -> TrackingPage:
    """The tracking page of an order, with a constant number of statements."""
    lines = list(OrderLine.objects.filter(order=order).select_related("bundle").order_by("position"))
    progress = progress_of(order, lines)
    shop = Shop.objects.first() or Shop()
    offered = returnable_lines(order, window=return_window(shop), now=now, lines=lines)
    may_return = [item for item in offered if item.quantity]
    return TrackingPage(
        order=order,
        headline=_headline(order, progress),
        progress=progress,
        returns=[return_view(request) for request in _returns(order)],
        documents=list(listed(Billing.objects.filter(order=order)).order_by("pk")),
        returnable=bool(may_return),
        return_until=max((item.until for item in may_return if item.until), default=None),
        support_email=shop.support_email,
    )


def returnable_now(order: Order, *, now: datetime) -> list[ReturnableLine]:
    """The lines of which the customer may send units back today."""
    return [item for item in returnable_lines(order, window=return_window(), now=now) if item.quantity]


def return_of_order(order: Order, number: str) -> Return | None:
    """A return of this very order by its number."""
    if "\x00" in number:  # PostgreSQL knows no such text
        return None
    return next(iter(_returns(order, number=number)), None)


def return_by_key(order: Order, request_key: str) -> Return | None:
    """The return that this form already made, when it is sent a second time."""
    return (
        Return.objects.filter(order=order, request_key=f"{order.pk}:{request_key}"[:60]).first()
        if request_key and "\x00" not in request_key
        else None
    )


def _returns(order: Order, **filters: str) -> list[Return]:
    lines = (
        ReturnLine.objects.select_related("order_line").prefetch_related("inspections").order_by("order_line__position")
    )
    drawn = Document.objects.filter(shipment=OuterRef("shipment"), kind=DocumentKind.RETURN_LABEL_PDF)
    found = Return.objects.filter(order=order, **filters).select_related("shipment", "refund", "location")
    found = found.annotate(label_drawn=Exists(drawn)).order_by("-id")
    returns: list[Return] = list(found.prefetch_related(Prefetch("lines", lines)))
    for request in returns:
        request.order = order
    return returns


def _headline(order: Order, progress: Progress) -> Headline:
    if order.lifecycle == Lifecycle.CANCELLED:
        return Headline(_("This order was cancelled"), _cancelled_detail(order), "neutral")
    sent = [parcel for parcel in progress.parcels if parcel.sent]
    left = len(progress.parcels) - len(sent) + len(progress.waiting) + len(progress.preparing)
    if not sent and progress.earlier and not left:
        return Headline(_("This order was sent"), "", "ok")
    if not sent:
        return _not_sent(order, progress)
    if order.delivery == Delivery.EXCEPTION:
        return Headline(_("The carrier could not deliver"), next((p.problem for p in sent if p.problem), ""), "bad")
    if all(parcel.delivered_at for parcel in sent):
        text = _("Delivered") if not left else _("Part of your order was delivered")
        return Headline(text, "" if not left else _("The rest is still to come."), "ok")
    if order.delivery == Delivery.OUT_FOR_DELIVERY:
        return Headline(_("Out for delivery"), _("The carrier brings it today."), "info")
    text = _("On its way to you") if not left else _("Part of your order is on its way")
    return Headline(text, _expected([(p.expected_from, p.expected_on) for p in sent if not p.delivered_at]), "info")


def _not_sent(order: Order, progress: Progress) -> Headline:
    if order.payment in (Payment.UNPAID, Payment.PARTIALLY_PAID) and order.on_hold:
        return Headline(_("Waiting for your payment"), _("Your order is prepared as soon as it is paid."), "warn")
    if progress.waiting and not progress.parcels and not progress.preparing:
        return Headline(_("Waiting for stock"), _leaving(progress), "warn")
    days = [(parcel.expected_from, parcel.expected_on) for parcel in progress.parcels]
    days = days or [(order.expected_from, order.expected_on)]
    return Headline(_("We are preparing your order"), _expected(days), "info")


def _leaving(progress: Progress) -> str:
    """When the last of what waits should leave, where that is known of all of it."""
    days = [item.leaves_on for item in progress.waiting]
    known = [day for day in days if day is not None]
    if known and len(known) == len(days) and max(known) >= timezone.localdate():
        return _("It should leave us about {day}.").format(day=weekday_text(max(known)))
    return _("Your order is sent as soon as the goods arrive.")


def _expected(ranges: list[tuple[date | None, date | None]]) -> str:
    """The days between which the last of the parcels should come."""
    known = [(last, first) for first, last in ranges if last]
    if not known:
        return ""
    last, first = max(known, key=lambda pair: pair[0])
    if last < timezone.localdate():
        return _("It was expected on {day} and is taking longer.").format(day=weekday_text(last))
    return _("Expected {day}").format(day=range_text(first, last))


def _cancelled_detail(order: Order) -> str:
    return _("Your payment was given back.") if order.payment == Payment.REFUNDED else ""


def return_view(request: Return) -> ReturnView:
    """A return in its customer's words; its lines, inspections, shipment and refund are loaded."""
    lines = list(request.lines.all())
    kept = any(row.disposition == Disposition.KEEP_IT for line in lines for row in line.inspections.all())
    shipment = request.shipment
    wants_label = request.state == ReturnState.APPROVED and shipment is not None
    has_label = wants_label and request.label_drawn  # type: ignore[attr-defined]  # annotated by _returns
    return ReturnView(
        request=request,
        steps=return_steps(request, kept=kept),
        lines=lines,
        kept=kept,
        sentence=_sentence(request, kept=kept),
        has_label=has_label,
        label_coming=wants_label and not has_label,
        cancellable=request.state in (ReturnState.REQUESTED, ReturnState.APPROVED),
    )


def return_steps(request: Return, *, kept: bool) -> list[Step]:
    """Requested → approved → on its way → received → refunded; shorter where it ended early or nothing is sent back."""
    asked = Step(_("Requested"), "done", request.requested_at)
    if request.state == ReturnState.DECLINED:
        return [asked, Step(_("Declined"), "bad", request.decided_at)]
    if request.state == ReturnState.CANCELLED:
        return [asked, Step(_("Cancelled"), "bad", request.resolved_at)]
    end = Step(_("Refunded") if request.resolution != Resolution.REJECT else _("Closed"), "", request.resolved_at)
    way = [asked, Step(_("Approved"), "", request.decided_at)]
    if not kept:
        sent_at = request.shipment.handed_over_at if request.shipment else None
        way += [Step(_("On its way"), "", sent_at), Step(_("Received"), "", request.received_at)]
    way.append(end)
    return _mark(way, _position(request.state, kept=kept, last=len(way) - 1))


def _position(state: str, *, kept: bool, last: int) -> int:
    """Index of the step that is reached; one past the last when all is done."""
    if state == ReturnState.RESOLVED:
        return last + 1
    if kept:
        return {ReturnState.REQUESTED: 0}.get(ReturnState(state), 1)
    order = {
        ReturnState.REQUESTED: 0,
        ReturnState.APPROVED: 1,
        ReturnState.IN_TRANSIT: 2,
        ReturnState.RECEIVED: 3,
        ReturnState.INSPECTED: 3,
    }
    return order[ReturnState(state)]


def _mark(steps: list[Step], position: int) -> list[Step]:
    return [
        Step(
            step.label,
            "done" if index < position else "now" if index == position else "",
            step.at if index <= position else None,
        )
        for index, step in enumerate(steps)
    ]


def _sentence(request: Return, *, kept: bool) -> str:
    match request.state:
        case ReturnState.REQUESTED:
            return _("We look at it and answer by e-mail.")
        case ReturnState.APPROVED:
            return _("Pack the items, stick the label on the parcel and hand it to the carrier.")
        case ReturnState.IN_TRANSIT:
            return _("Your parcel is on its way back to us.")
        case ReturnState.RECEIVED:
            return _("Your parcel has arrived. We are looking at what is in it.")
        case ReturnState.INSPECTED if kept:
            return _("You need not send anything back. We are preparing your refund.")
        case ReturnState.INSPECTED:
            return _("We have looked at everything and are preparing your refund.")
        case ReturnState.RESOLVED if request.resolution == Resolution.REFUND:
            return _("The money is on its way back to you.")
        case ReturnState.RESOLVED:
            return _("This return was closed without a refund.")
        case ReturnState.DECLINED:
            return _("We cannot take these items back.")
        case _:
            return _("You cancelled this return.")
