"""Drafts: made by hand, from a file, from the API or from a suggestion; nothing is reserved for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core import timeline
from core.actors import Actor
from core.bulk import next_ids
from core.refusals import Invalid
from inventory.models import Location, LocationKind, Variant
from transfers.models import Transfer, TransferLine
from transfers.operations.locking import Locked, lock_transfer, record, write_transfer

MAX_LINES = 1000
MAX_QUANTITY = 1_000_000


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """A transfer to be made: lines are (variant id, quantity); `key` makes a repeat the same transfer."""

    origin_id: int
    destination_id: int
    lines: tuple[tuple[int, int], ...]
    reference: str = ""
    expected_on: date | None = None
    note: str = ""
    key: str = ""


def create_transfer(request: NewTransfer, *, actor: Actor, now: datetime) -> Transfer:
    """Make a draft. Raises Invalid, naming the field at fault."""
    return create_transfers([request], actor=actor, now=now)[0]


def create_transfers(requests: Sequence[NewTransfer], *, actor: Actor, now: datetime) -> list[Transfer]:
    """Make several drafts, all or none, in their order; one whose key is known already is the transfer that has it."""
    for request in requests:
        _check_shape(request)
    _check_places([(r.origin_id, r.destination_id) for r in requests])
    _check_goods({variant_id for r in requests for variant_id, _quantity in r.lines})
    with transaction.atomic():
        known = _known(requests)
        fresh = [request for request in requests if request.key not in known]
        try:
            with transaction.atomic():
                made = _insert(fresh, actor=actor, now=now)
        except IntegrityError:  # somebody else was faster with one of the keys
            known = _known(requests)
            fresh = [request for request in fresh if request.key not in known]
            made = _insert(fresh, actor=actor, now=now)
        by_request = {id(request): transfer for request, transfer in zip(fresh, made, strict=True)}
        return [by_request.get(id(r)) or known[r.key] for r in requests]


def edit_transfer(
    *,
    transfer_id: int,
    origin_id: int,
    destination_id: int,
    lines: Sequence[tuple[int, int]],
    reference: str = "",
    expected_on: date | None = None,
    note: str = "",
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Transfer:
    """Give a draft other places, words and lines. Raises Invalid, Stale, Refusal `wrong_state`."""
    asked = NewTransfer(origin_id, destination_id, tuple(lines), reference, expected_on, note)
    _check_shape(asked)
    _check_places([(origin_id, destination_id)])
    _check_goods({variant_id for variant_id, _quantity in lines})
    with transaction.atomic():
        locked = lock_transfer(transfer_id, version=version)
        locked.check("edit")
        before = {line.variant.sku: line.quantity for line in locked.lines}
        TransferLine.objects.filter(transfer=locked.transfer).delete()
        _insert_lines([(locked.transfer, asked)])
        fresh = _reread(locked)
        write_transfer(
            fresh, origin_id=origin_id, destination_id=destination_id, reference=reference, expected_on=expected_on, note=note
        )  # fmt: skip
        after = {line.variant.sku: line.quantity for line in fresh.lines}
        changes = {
            sku: [before.get(sku, 0), after.get(sku, 0)]
            for sku in sorted(before.keys() | after.keys())
            if before.get(sku) != after.get(sku)
        }
        record(fresh, "transfer.edited", actor=actor, now=now, changes=changes)
        return fresh.transfer


def find_variants(skus: Iterable[str]) -> dict[str, Variant]:
    """Text (a SKU as it stands or in one case, or a barcode) → the variant it means. One statement; what is not found is left out."""
    asked = {text: text.strip() for text in skus if "\x00" not in text}
    words = set(asked.values()) - {""}
    if not words:
        return {}
    spellings = {form for word in words for form in (word, word.upper(), word.lower())}
    rows = list(
        Variant.objects.filter(Q(sku__in=spellings) | Q(barcode__in=words) & ~Q(barcode=""))
        .defer("search", "search_text")
        .order_by("pk")
    )
    by_barcode = {variant.barcode: variant for variant in reversed(rows)}
    by_sku = {variant.sku: variant for variant in rows}
    found: dict[str, Variant] = {}
    for text, word in asked.items():
        known = [
            by_sku.get(word),
            by_sku.get(word.upper()),
            by_sku.get(word.lower()),
            by_barcode.get(word) if word else None,
        ]
        if variant := next((v for v in known if v is not None), None):
            found[text] = variant
    return found


def _check_shape(request: NewTransfer) -> None:
    if request.origin_id == request.destination_id:
        raise Invalid("same_place", _("Choose another place than the origin."), field="destination")
    if not request.lines:
        raise Invalid("no_lines", _("Say what is to be sent."), field="lines")
    if len(request.lines) > MAX_LINES:
        raise Invalid("too_many_lines", _("A transfer has at most {most} lines.").format(most=MAX_LINES), field="lines")
    if not all(0 < quantity <= MAX_QUANTITY for _variant, quantity in request.lines):
        raise Invalid(
            "bad_quantity", _("A quantity lies between 1 and {most}.").format(most=MAX_QUANTITY), field="lines"
        )


def _check_places(pairs: Iterable[tuple[int, int]]) -> None:
    """Every origin and destination is a place of our own that is in use."""
    fields = {pk: field for pair in pairs for pk, field in zip(pair, ("origin", "destination"), strict=True)}
    places = Location.objects.in_bulk(fields)
    for pk, field in sorted(fields.items()):
        place = places.get(pk)
        if place is None:
            raise Invalid("no_such_location", _("There is no such location."), field=field)
        if not place.active or place.kind == LocationKind.SUPPLIER:
            sentence = _("{location} takes no part in transfers.").format(location=place.name)
            raise Invalid("not_our_place", sentence, field=field)


def _check_goods(ids: set[int]) -> None:
    known = dict(Variant.objects.filter(pk__in=ids).values_list("pk", "is_bundle"))
    if len(known) < len(ids):
        raise Invalid("no_such_variant", _("There is no such SKU."), field="lines")
    if bundle := next((pk for pk in sorted(ids) if known[pk]), None):
        sku = Variant.objects.values_list("sku", flat=True).get(pk=bundle)
        raise Invalid("bundle", _("{sku} is a bundle: send its components.").format(sku=sku), field="lines")


def _known(requests: Sequence[NewTransfer]) -> dict[str, Transfer]:
    keys = [request.key for request in requests if request.key]
    return {t.request_key: t for t in Transfer.objects.filter(request_key__in=keys)} if keys else {}


def _insert(requests: Sequence[NewTransfer], *, actor: Actor, now: datetime) -> list[Transfer]:
    ids = next_ids(Transfer, len(requests)) if requests else []
    made = [
        Transfer(
            pk=pk, number=f"TR-{pk}", origin_id=r.origin_id, destination_id=r.destination_id, reference=r.reference, expected_on=r.expected_on,
            note=r.note, request_key=r.key, actor=actor.ref, created_at=now, units=sum(quantity for _variant, quantity in r.lines),
        )
        for pk, r in zip(ids, requests, strict=True)
    ]  # fmt: skip
    Transfer.objects.bulk_create(made)
    _insert_lines(list(zip(made, requests, strict=True)))
    timeline.record_many(
        ((transfer.subject, "transfer.created", {"units": transfer.units}) for transfer in made), actor=actor, at=now
    )
    return made


def _insert_lines(pairs: Sequence[tuple[Transfer, NewTransfer]]) -> None:
    rows = []
    for transfer, request in pairs:
        sums: dict[int, int] = {}
        for variant_id, quantity in request.lines:
            sums[variant_id] = sums.get(variant_id, 0) + quantity
        rows += [
            TransferLine(transfer=transfer, variant_id=variant_id, position=n, quantity=quantity)
            for n, (variant_id, quantity) in enumerate(sums.items(), 1)
        ]
    TransferLine.objects.bulk_create(rows, batch_size=5000)


def _reread(locked: Locked) -> Locked:
    return Locked(locked.transfer, list(locked.transfer.lines.select_related("variant").order_by("position")))
