"""Drafts are begun, changed line by line, and copied. Each save is one transaction that locks the draft."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from core.actors import Actor
from core.addresses import Address, known_country
from core.bulk import next_ids
from core.models import User
from core.money import is_exact
from core.refusals import Invalid, NotFound
from core.shop import shop
from currencies.queries import convert, rate_on
from customers.models import Customer
from drafts.models import DraftLine, DraftOrder
from drafts.operations.holding import follow_lines, give_back
from drafts.operations.locking import Locked, lock_draft, record, write_draft
from drafts.states import LIVE_STATES, DraftState, Scenario, Terms
from drafts.totals import NO_DISCOUNT, ZERO, Discount
from inventory.models import Location, LocationKind, Variant
from orders.models import Channel, ChannelKind, TaxRate

MOST_LINES = 200
MOST_UNITS = 1_000_000
MOST_MONEY = Decimal(10) ** 9
#: An offer that nobody answers ends by itself after so long.
LASTS = timedelta(days=30)
_KINDS = {
    Scenario.PHONE: ChannelKind.PHONE,
    Scenario.COUNTER: ChannelKind.POS,
    Scenario.WHOLESALE: ChannelKind.B2B,
}
_HEAD = frozenset(
    {
        "channel_id", "customer_id", "customer_name", "email", "phone", "language", "shipping_address", "billing_address", "currency",
        "discount", "shipping_method", "shipping_total", "tax_included", "tax_exempt", "note", "tags", "po_number", "terms", "location_id",
        "expires_at",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewLine:
    """Units of a variant (unit_price None: its own price), or words (`title`) and a price."""

    quantity: int
    variant_id: int | None = None
    title: str = ""
    unit_price: Decimal | None = None
    discount: Discount = NO_DISCOUNT
    tax_rate: Decimal | None = None


@dataclass(frozen=True, slots=True)
class LineEdit:
    """A line as it shall be; quantity 0 takes it away. title: of words and a price only."""

    line_id: int
    quantity: int
    unit_price: Decimal
    discount: Discount = NO_DISCOUNT
    tax_rate: Decimal | None = None
    title: str = ""


def begin_draft(
    *, scenario: str, channel_id: int | None = None, customer_id: int | None = None, author: User | None = None, actor: Actor, now: datetime
) -> DraftOrder:  # fmt: skip
    """A new draft with what its scenario presets. A person's draft in which nothing was written yet is taken up again.

    Raises Invalid when there is no active channel (field channel), NotFound for an unknown customer.
    """
    with transaction.atomic():
        channel = _channel(scenario, channel_id)
        if author and not customer_id and (blank := _untouched(author, scenario, channel)):
            return blank
        [pk] = next_ids(DraftOrder, 1)
        place = _counter() if scenario == Scenario.COUNTER else None
        draft = DraftOrder(
            pk=pk, number=f"D{1000 + pk}", token=secrets.token_urlsafe(24), scenario=scenario, channel=channel, language=channel.language,
            currency=channel.currency, tax_included=scenario != Scenario.WHOLESALE, location=place,
            terms=Terms.NET_30 if scenario == Scenario.WHOLESALE else Terms.ADVANCE,
            shipping_method="" if place else "standard", expires_at=None if place else now + LASTS,
            shipping_address={"country": place.country} if place and place.country else {}, author=author,
            author_label=actor.label[:120], created_at=now,
        )  # fmt: skip
        if customer_id:
            _take_customer(draft, customer_id)
        _take_rates(draft)
        draft.save(force_insert=True)
        record(draft, "draft.begun", actor=actor, now=now, number=draft.number, scenario=scenario)
        return draft


def edit_draft(
    *,
    draft_id: int,
    head: Mapping[str, Any] | None = None,
    edits: Sequence[LineEdit] = (),
    added: Sequence[NewLine] = (),
    merge: bool = False,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> DraftOrder:
    """Change a draft: its head (any of _HEAD), its lines, and new ones. What it holds follows its lines.

    merge: a variant that stands there already gets the units on its line, as a scanner wants it. A save that changes nothing makes no
    new version. Raises Invalid (fields of the head, `quantity-<line id>`, `price-…`, `discount-…`, `tax-…`, `title-…`, `code`), Stale,
    Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        locked.check("edit")
        before = _told(locked)
        changes = _clean_head(locked.draft, head or {})
        for name, value in changes.items():
            setattr(locked.draft, name, value)
        gone = _edit_lines(locked, edits)
        _add_lines(locked, added, merge=merge, now=now)
        rates = _take_rates(locked.draft)
        _check_money(locked.draft)
        after = _told(locked)
        if after == before:
            return locked.draft
        if not follow_lines(locked, actor=actor, now=now):
            changes["hold_until"] = locked.draft.hold_until = None
        DraftLine.objects.filter(pk__in=gone).delete()  # their stock was given back: a line that is gone owns nothing
        write_draft(locked, now=now, **{name: getattr(locked.draft, name) for name in {*changes, *rates}})
        told = {
            name: [before.get(name), after.get(name)] for name in before | after if before.get(name) != after.get(name)
        }
        record(
            locked.draft,
            "draft.edited",
            actor=actor,
            now=now,
            changes=told,
            total=locked.draft.total,
            currency=locked.draft.currency,
        )
        return locked.draft


def take_customer(
    *, draft_id: int, customer_id: int | None, actor: Actor, now: datetime, version: int | None = None
) -> DraftOrder:
    """Name, e-mail, phone, language and address of a customer for the draft; None forgets whose it is and keeps what is written.

    Raises NotFound, Stale, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        locked.check("edit")
        if customer_id is None:
            locked.draft.customer = None
        else:
            _take_customer(locked.draft, customer_id)
        rates = _take_rates(locked.draft)
        names = ("customer_id", "customer_name", "email", "phone", "language", "shipping_address", *rates)
        write_draft(locked, now=now, **{name: getattr(locked.draft, name) for name in names})
        record(
            locked.draft, "draft.customer", actor=actor, now=now, name=locked.draft.customer_name if customer_id else ""
        )
        return locked.draft


def duplicate_draft(*, draft_id: int, author: User | None = None, actor: Actor, now: datetime) -> DraftOrder:
    """An open copy with the same customer, lines and terms: nothing held, nothing sent, prices as they stand there. Raises NotFound."""
    with transaction.atomic():
        locked = lock_draft(draft_id)
        source = locked.draft
        [pk] = next_ids(DraftOrder, 1)
        kept = (
            "scenario", "channel_id", "customer_id", "customer_name", "email", "phone", "language", "shipping_address", "billing_address",
            "currency", "discount_kind", "discount_value", "shipping_method", "shipping_total", "tax_included", "tax_exempt", "note", "tags",
            "terms", "location_id",
        )  # fmt: skip
        copy = DraftOrder(
            pk=pk, number=f"D{1000 + pk}", token=secrets.token_urlsafe(24), expires_at=None if source.location_id else now + LASTS,
            author=author, author_label=actor.label[:120], created_at=now, **{name: getattr(source, name) for name in kept},
        )  # fmt: skip
        _take_rates(copy)
        copy.save(force_insert=True)
        names = (
            "position",
            "variant_id",
            "title",
            "quantity",
            "unit_price",
            "discount_kind",
            "discount_value",
            "tax_rate",
        )
        for line in locked.lines:
            line.draft = source
        DraftLine.objects.bulk_create(
            DraftLine(draft=copy, **{name: getattr(line, name) for name in names}) for line in locked.lines
        )
        again = lock_draft(copy.pk)
        write_draft(again, now=now)
        record(again.draft, "draft.duplicated", actor=actor, now=now, number=copy.number, source=source.number)
        return again.draft


def end_draft(
    *, draft_id: int, action: str, actor: Actor, now: datetime, version: int | None = None, due_at: datetime | None = None
) -> DraftOrder:  # fmt: skip
    """Let it expire (`expire`), give it up (`cancel`) or open it again (`reopen`); held stock is given back. due_at: only if it had to
    expire by then (else nothing happens). Raises Stale, Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        draft = locked.draft
        if due_at is not None and (
            draft.state not in LIVE_STATES or draft.expires_at is None or draft.expires_at > due_at
        ):
            return draft
        state = locked.check(action)
        units = give_back(locked, actor=actor, now=now) if draft.hold_until else 0
        changes: dict[str, Any] = {"state": state, "hold_until": None, "closed_at": None if action == "reopen" else now}
        if action == "reopen":
            changes["expires_at"] = now + LASTS
        write_draft(locked, now=now, **changes)
        kinds = {"expire": "draft.expired", "cancel": "draft.cancelled", "reopen": "draft.reopened"}
        record(draft, kinds[action], actor=actor, now=now, units=units)
        return draft


def _channel(scenario: str, channel_id: int | None) -> Channel:
    active = Channel.objects.filter(active=True).order_by("pk")
    if channel_id is not None:
        found = active.filter(pk=channel_id).first()
    else:
        found = active.filter(kind=_KINDS[Scenario(scenario)]).first() or active.first()
    if found is None:
        raise Invalid("no_channel", _("Choose a channel that is switched on."), field="channel")
    return found


def _counter() -> Location | None:
    """The store whose counter it is: the first by the merchant's own order."""
    return Location.objects.filter(kind=LocationKind.STORE, active=True).order_by("rank", "pk").first()


def _untouched(author: User, scenario: str, channel: Channel) -> DraftOrder | None:
    return (
        DraftOrder.objects.filter(
            author=author, scenario=scenario, channel=channel, state=DraftState.OPEN, version=1, customer=None
        )
        .order_by("-pk")
        .first()
    )


def _take_customer(draft: DraftOrder, customer_id: int) -> None:
    found = Customer.objects.filter(pk=customer_id).first()
    if found is None:
        raise NotFound("no_such_customer", _("There is no such customer."))
    draft.customer = found
    draft.customer_name, draft.email, draft.phone = found.name, found.email or "", found.phone
    draft.language = found.language or draft.language
    if found.address:
        draft.shipping_address = found.address


def _take_rates(draft: DraftOrder) -> list[str]:
    """Set the rates of the country in which it is delivered; the names of the columns."""
    country = draft.ship_to.country or (draft.location.country if draft.location else "")
    known = TaxRate.objects.filter(country=country).first() if country else None
    draft.tax_rate = known.rate if known else None
    draft.shipping_tax_rate = (known.rate if known.on_shipping else ZERO) if known else None
    return ["tax_rate", "shipping_tax_rate"]


def _clean_head(draft: DraftOrder, head: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := head.keys() - _HEAD:
        raise LookupError(f"a draft has no {sorted(unknown)}")
    changes = dict(head)
    for name in ("shipping_address", "billing_address"):
        if isinstance(address := changes.get(name), Address):
            if address.country and not known_country(address.country):
                message = _("“{code}” is not a country code.").format(code=address.country)
                raise Invalid("bad_country", message, field=f"{name}.country")
            changes[name] = address.to_json()
    if "discount" in changes:
        wanted: Discount = _clean_discount(changes.pop("discount"), "discount", changes.get("currency", draft.currency))
        changes |= {"discount_kind": wanted.kind, "discount_value": wanted.value}
    if "channel_id" in changes and not Channel.objects.filter(pk=changes["channel_id"], active=True).exists():
        raise Invalid("no_such_channel", _("Choose a channel that is switched on."), field="channel")
    if changes.get("location_id") and not Location.objects.filter(pk=changes["location_id"], active=True).exists():
        raise Invalid("no_such_location", _("Choose a location that is active."), field="location")
    if "terms" in changes and changes["terms"] not in Terms.values:
        raise Invalid("bad_terms", _("Choose the payment terms."), field="terms")
    currency = changes.get("currency", draft.currency)
    if len(currency) != 3 or not currency.isascii() or not currency.isalpha() or not currency.isupper():
        raise Invalid("bad_currency", _("A currency is three capital letters."), field="currency")
    return changes


def _check_money(draft: DraftOrder) -> None:
    """What is a whole amount of the currency must have no more decimals than it, whatever was changed."""
    if not 0 <= draft.shipping_total <= MOST_MONEY or not is_exact(draft.shipping_total, draft.currency):
        raise _too_fine(draft.currency, "shipping_total")
    if draft.discount_kind == "amount" and not is_exact(draft.discount_value, draft.currency):
        raise _too_fine(draft.currency, "discount")


def _too_fine(currency: str, field: str) -> Invalid:
    return Invalid("bad_amount", _("{currency} has fewer decimals than that.").format(currency=currency), field=field)


def _clean_discount(discount: Discount, field: str, currency: str) -> Discount:
    if discount.kind == "none" or not discount.value:
        return NO_DISCOUNT
    if discount.value < 0 or discount.value > (100 if discount.kind == "percent" else MOST_MONEY):
        raise Invalid("bad_discount", _("Give an amount, or a percentage up to 100 %."), field=field)
    if discount.kind == "amount" and not is_exact(discount.value, currency):
        raise _too_fine(currency, field)
    return discount


def _edit_lines(locked: Locked, edits: Sequence[LineEdit]) -> list[int]:
    """Change lines; the ids of those that are taken away, which are deleted once they hold nothing."""
    known = {line.pk: line for line in locked.lines}
    changed, gone = [], []
    for edit in edits:
        line = known.get(edit.line_id)
        if line is None:
            raise NotFound("no_such_line", _("This line is not part of {number}.").format(number=locked.draft.number))
        if edit.quantity == 0:
            gone.append(line)
            continue
        _write_line(line, edit, locked.draft.currency)
        changed.append(line)
    if changed:
        names = ["quantity", "unit_price", "discount_kind", "discount_value", "tax_rate", "title"]
        DraftLine.objects.bulk_update(changed, names)
    locked.lines = [line for line in locked.lines if line not in gone]
    return [line.pk for line in gone]


def _write_line(line: DraftLine, edit: LineEdit, currency: str) -> None:
    if not 1 <= edit.quantity <= MOST_UNITS:
        raise Invalid("bad_quantity", _("Give a number of units."), field=f"quantity-{line.pk}")
    _check_price(edit.unit_price, f"price-{line.pk}")
    if edit.tax_rate is not None and not 0 <= edit.tax_rate < 1:
        raise Invalid("bad_tax", _("A tax lies between 0 and 99 %."), field=f"tax-{line.pk}")
    discount = _clean_discount(edit.discount, f"discount-{line.pk}", currency)
    line.quantity, line.unit_price, line.tax_rate = edit.quantity, edit.unit_price, edit.tax_rate
    line.discount_kind, line.discount_value = discount.kind, discount.value
    if line.custom:
        if not edit.title.strip():
            raise Invalid("no_title", _("Say what it is."), field=f"title-{line.pk}")
        line.title = edit.title.strip()[:255]


def _check_price(price: Decimal, field: str) -> None:
    if not price.is_finite() or not 0 <= price <= MOST_MONEY or price != price.quantize(Decimal("0.0001")):
        raise Invalid("bad_price", _("Give a price of zero or more, with at most four decimals."), field=field)


def _add_lines(locked: Locked, added: Sequence[NewLine], *, merge: bool, now: datetime) -> None:
    if not added:
        return
    draft = locked.draft
    variants = Variant.objects.defer("search", "search_text").in_bulk(
        [new.variant_id for new in added if new.variant_id]
    )
    position = draft.lines.aggregate(last=Max("position"))["last"] or 0
    for new in added:
        if not 1 <= new.quantity <= MOST_UNITS:
            raise Invalid("bad_quantity", _("Give a number of units."), field="quantity")
        variant = variants.get(new.variant_id) if new.variant_id else None
        if new.variant_id and variant is None:
            raise NotFound("no_such_variant", _("There is no such SKU."), field="code")
        if variant is None and not new.title.strip():
            raise Invalid("no_title", _("Say what it is."), field="custom_title")
        same = (
            next((line for line in locked.lines if variant and line.variant_id == variant.pk), None) if merge else None
        )
        if same is not None:
            same.quantity = min(MOST_UNITS, same.quantity + new.quantity)
            same.save(update_fields=["quantity"])
            continue
        if len(locked.lines) >= MOST_LINES:
            raise Invalid(
                "too_many_lines", _("A draft has at most {most} lines.").format(most=MOST_LINES), field="code"
            )
        price = _own_price(variant, draft, now) if new.unit_price is None else new.unit_price
        _check_price(price, "custom_price")
        position += 1
        discount = _clean_discount(new.discount, "discount", draft.currency)
        locked.lines.append(
            DraftLine.objects.create(
                draft=draft, position=position, variant=variant, title=(new.title.strip() or (variant.title if variant else ""))[:255],
                quantity=new.quantity, unit_price=price, discount_kind=discount.kind, discount_value=discount.value, tax_rate=new.tax_rate,
            )
        )  # fmt: skip


def _own_price(variant: Variant | None, draft: DraftOrder, now: datetime) -> Decimal:
    """What the variant costs, in the draft's currency at the rate of the day; where none is known, the number as it stands."""
    if variant is None:
        return ZERO
    own = shop().currency
    quote = rate_on(own, draft.currency, now.date()) if draft.currency != own else None
    return convert(variant.price, quote.rate, draft.currency) if quote else variant.price


def _told(locked: Locked) -> dict[str, str]:
    """What a history tells of a draft, in words that can be compared: the head's fields, and each line by its SKU or words."""
    draft = locked.draft
    told = {
        "channel": str(draft.channel_id), "customer_name": draft.customer_name, "email": draft.email, "phone": draft.phone,
        "language": draft.language, "shipping_address": draft.ship_to.one_line(), "billing_address": draft.bill_to.one_line(),
        "currency": draft.currency, "discount": _discount_text(draft.discount), "shipping_method": draft.shipping_method,
        "shipping_total": _plain(draft.shipping_total), "tax_included": str(draft.tax_included), "tax_exempt": str(draft.tax_exempt),
        "note": draft.note[:200], "tags": ", ".join(draft.tags), "po_number": draft.po_number, "terms": draft.terms,
        "location": str(draft.location_id or ""), "expires_at": draft.expires_at.isoformat() if draft.expires_at else "",
        "tax_rate": _plain(draft.tax_rate),
    }  # fmt: skip
    for line in locked.lines:
        text = f"{line.quantity} × {_plain(line.unit_price)}"
        text += f" − {_discount_text(line.discount)}" if line.discount.kind != "none" else ""
        text += f" ({_plain(line.tax_rate)})" if line.tax_rate is not None else ""
        text += f" {line.title}" if line.custom else ""
        told[f"line {line.pk} {line.variant.sku if line.variant else ''}".strip()] = text
    return told


def _plain(amount: Decimal | None) -> str:
    return "" if amount is None else f"{amount.normalize():f}"


def _discount_text(discount: Discount) -> str:
    if discount.kind == "none":
        return ""
    return _plain(discount.value) + (" %" if discount.kind == "percent" else "")
