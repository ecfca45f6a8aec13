"""The audit of stock in full: what the ledger proves of levels, lots, serial numbers and snapshots, and what every document says of it.

Each check knows its repair. Repairs run one finding at a time, each in a transaction of its own that is rolled back unless told
otherwise, so what is shown first is what would happen. They lock the document, then the levels, and look again under the locks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db import IntegrityError, transaction

from core.refusals import Refusal
from counts.auditing import CHECKS as COUNT_CHECKS
from counts.models import StockCount
from drafts.models import HeldStock
from drafts.operations.locking import lock_draft
from inventory.models import Bucket, LotLevel, MovementReason
from inventory.operations import Claim, apply_moves, release, reserve
from inventory.operations.auditing import CHECKS as STOCK_CHECKS
from inventory.operations.auditing import Finding, find, repairing
from inventory.operations.auditing.repairing import ACTOR, CAUSE, NOTE, CannotRepair
from inventory.operations.auditing.tracing import first_wrong_row
from inventory.operations.levels import Move, create_levels, lock_levels
from oms.integrity import CHECKS as ALL_CHECKS
from orders.models import OrderLine
from orders.operations import lock_order
from purchasing.auditing import CHECKS as PURCHASE_CHECKS
from purchasing.operations.locking import lock_purchase, write_order
from quality.auditing import CHECKS as QUALITY_CHECKS
from quality.models import NonConformance
from transfers.auditing import CHECKS as TRANSFER_CHECKS
from transfers.models import TransferLine
from transfers.operations.locking import lock_transfer, write_transfer

#: Findings of one check for which the first wrong row of the ledger is looked up.
TRACED = 20
Act = Callable[..., list[str]]


@dataclass(frozen=True, slots=True)
class Repair:
    """How a check's findings are put right. says: in a sentence. act: does one, and answers what it did; None where only a person can."""

    says: str
    act: Act | None


def _by_document(finding: Finding, *, now: datetime) -> list[str]:
    """The document is the truth: its ledger gets a movement with its cause, and the level with it."""
    _lock_document(finding.subject)
    key = _key(finding)
    create_levels([key])
    level = lock_levels([key])[key]
    again = _still_wrong(finding)
    if again is None:
        return []
    units = again.expected - again.found
    done = []
    if (
        again.bucket == Bucket.INCOMING and level.incoming + units < 0
    ):  # somebody has set it by hand, down to less than was on its way
        put_back = -units - level.incoming
        apply_moves([_move(key, "incoming", put_back)], cause="incoming:put-back", actor=ACTOR, now=now)
        done.append(f"{finding.where}: {put_back:+d} incoming put back first")
    apply_moves([_move(key, again.bucket, units, again.lot_id)], cause=finding.subject, actor=ACTOR, now=now)
    return [*done, f"{finding.where}: a correcting movement of {units:+d} {again.bucket}"]


def _by_owner(finding: Finding, *, now: datetime) -> list[str]:
    """What needs stock is the truth: too many reserved units are given back, missing ones are reserved where there are some."""
    owner = finding.subject
    _lock_owner(owner)
    key = _key(finding)
    create_levels([key])
    level = lock_levels([key])[key]
    again = _still_wrong(finding)
    if again is None:
        return []
    units = again.expected - again.found
    claim = [Claim(*key, owner, abs(units))]
    if units < 0:
        release(claim, cause=CAUSE, actor=ACTOR, now=now)
        return [f"{finding.where}: {-units} reserved units are given back"]
    if level.available < units:
        raise CannotRepair(
            f"{finding.where}: {units} units are to leave and only {max(0, level.available)} can be promised. Route the order again, or cut the transfer."
        )
    reserve(claim, cause=CAUSE, actor=ACTOR, now=now)
    return [f"{finding.where}: {units} units are reserved"]


def _case_in_bucket(finding: Finding, *, now: datetime) -> list[str]:
    """The cases are the truth as far as units are free: what they explain is set aside again."""
    key = _key(finding)
    list(
        NonConformance.objects.select_for_update(no_key=True)
        .filter(variant_id=key[0], location_id=key[1], state="open")
        .order_by("pk")
    )
    create_levels([key])
    level = lock_levels([key])[key]
    again = _still_wrong(finding)
    if again is None:
        return []
    units = again.expected - again.found
    if level.available + level.safety_stock < units:
        raise CannotRepair(
            f"{finding.where}: the cases have {units} units that are promised or gone. Decide about the cases."
        )
    apply_moves([_move(key, again.bucket, units)], cause=CAUSE, actor=ACTOR, now=now)
    return [f"{finding.where}: {units:+d} {again.bucket}"]


def _picked(finding: Finding, *, now: datetime) -> list[str]:
    key = _key(finding)
    lock_levels([key])
    again = _still_wrong(finding)
    if again is None:
        return []
    level = LotLevel.objects.get(lot_id=finding.lot_id, location_id=key[1])
    if again.expected > level.on_hand - level.damaged - level.quality_control:
        raise CannotRepair(
            f"{finding.where}: more lies in totes than the lot has there. Say of which lots the units are."
        )
    LotLevel.objects.filter(pk=level.pk).update(picked=again.expected)
    return [f"{finding.where}: {again.expected} picked instead of {again.found}, as the totes say"]


def _transfer_sums(finding: Finding, *, now: datetime) -> list[str]:
    del now
    locked = lock_transfer(_id(finding.subject))
    write_transfer(locked)
    if _still_wrong(finding):
        raise CannotRepair(
            f"{finding.subject}: its lines disagree with their receipts and settlements. Take receipts back and count again."
        )
    return [f"{finding.subject}: its counts are the sums of its lines again"]


def _purchase_sums(finding: Finding, *, now: datetime) -> list[str]:
    del now
    locked = lock_purchase(_id(finding.subject))
    write_order(locked)
    return [] if _still_wrong(finding) else [f"{finding.subject}: its counts are the sums of its lines again"]


_DOCUMENT = "The document is right: a movement with its cause brings the ledger and the level to what it says."
_PERSON = "Nobody but a person can know: "
#: Every check of stock with its repair, in the order in which repairs are safe: promises first, then levels, then what follows them.
REPAIRS: dict[str, Repair] = {
    "reservation_has_an_owner_that_needs_it": Repair("What nobody needs is given back; what is needed is reserved where it is free.", _by_owner),
    "level_is_sum_of_ledger": Repair("The level is set to the sum of its ledger; where that cannot be, the ledger gets a correcting movement.", repairing.repair_level),
    "reserved_is_sum_of_reservations": Repair("Level and ledger are brought to the sum of open reservations.", repairing.repair_level),
    "no_count_is_negative": Repair("A correcting movement brings it to zero.", repairing.repair_negative),
    "nothing_is_oversold": Repair(f"{_PERSON}count the units there, or route orders again.", None),
    "lot_level_is_sum_of_ledger": Repair("The lot's level is set to the sum of its ledger.", repairing.repair_lot),
    "lots_sum_to_level": Repair("The difference passes into the lot without a code, or out of lots, last to expire first.", repairing.repair_lots_of_level),
    "picked_lots_lie_in_totes": Repair("The totes are right: the lot's picked units are set to what lies in them.", _picked),
    "serials_are_at_most_on_hand": Repair("The oldest serial numbers that lie in no parcel are written off.", repairing.repair_serials),
    "packed_serials_are_in_stock": Repair(f"{_PERSON}take the serial number out of the parcel and scan it again.", None),
    "a_bundle_has_no_stock": Repair("Correcting movements bring it to zero and the empty level goes.", repairing.repair_bundle),
    "a_bundle_is_made_of_plain_variants": Repair(f"{_PERSON}set what it is made of, or make it a plain variant.", None),
    "bundles_are_sold_in_whole_sets": Repair(f"{_PERSON}cancel the lines of this order and sell it anew.", None),
    "a_snapshot_is_the_ledger_up_to_it": Repair("The snapshot is deleted; the next run takes it anew from the ledger.", repairing.repair_snapshot),
    "a_snapshot_is_a_clean_cut": Repair("The snapshot is deleted; the next run takes it anew from the ledger.", repairing.repair_snapshot),
    "incoming_of_transfers_is_outstanding": Repair(_DOCUMENT, _by_document),
    "transfers_moved_what_they_say": Repair(_DOCUMENT, _by_document),
    "serials_on_the_way_are_outstanding": Repair(f"{_PERSON}find out where the unit is and register it there.", None),
    "transfers_sum_their_lines": Repair("The transfer's counts are summed over its lines anew.", _transfer_sums),
    "purchase_incoming_is_what_is_outstanding": Repair(_DOCUMENT, _by_document),
    "purchase_received_came_through_the_ledger": Repair(_DOCUMENT, _by_document),
    "purchase_receipts_are_what_was_received": Repair(f"{_PERSON}compare the order's lines with its delivery notes.", None),
    "purchase_counts_its_units": Repair("The order's counts are summed over its lines anew.", _purchase_sums),
    "a_count_posts_what_it_found": Repair(_DOCUMENT, _by_document),
    "a_case_agrees_with_the_ledger": Repair(_DOCUMENT, _by_document),
    "a_case_has_its_units_in_the_bucket": Repair("Units that the cases explain are set aside again, where they are free.", _case_in_bucket),
    "a_case_adds_up": Repair(f"{_PERSON}compare the case with its decisions.", None),
}  # fmt: skip
_STATEMENTS = {
    **ALL_CHECKS, **STOCK_CHECKS, **TRANSFER_CHECKS, **PURCHASE_CHECKS, **COUNT_CHECKS, **QUALITY_CHECKS
}  # fmt: skip
CHECKS: dict[str, str] = {name: _STATEMENTS[name] for name in REPAIRS}


def audit_everything(*, limit: int = 1000, only: str | None = None) -> list[Finding]:
    """What breaks an invariant of stock, the first `limit` of each check (or of `only` that one), each with its first wrong row of
    the ledger where that can be told, and its repair. Reads only."""
    found = []
    for name, statement in CHECKS.items():
        if only in (None, name):
            rows = find(name, statement, limit=limit)
            found += [
                replace(row, repair=REPAIRS[name].says, since=_since(row) if n < TRACED else None)
                for n, row in enumerate(rows)
            ]
    return found


def repair(check: str, *, now: datetime, apply: bool, limit: int = 1000) -> list[tuple[Finding, list[str], str]]:
    """Put right what a check finds, one finding at a time: (finding, what was done, why not). Without `apply` everything is taken
    back again, so it is what would be done."""
    outcomes = []
    for finding in audit_everything(limit=limit, only=check):
        done, why_not = [], ""
        act = REPAIRS[check].act
        if act is None:
            why_not = REPAIRS[check].says
        else:
            try:
                with transaction.atomic():
                    done = act(finding, now=now)
                    transaction.set_rollback(not apply)
            except Refusal as refusal:
                done, why_not = [], refusal.message
            except IntegrityError as error:  # a constraint that no repair may break
                done, why_not = [], str(error).partition("\n")[0]
        outcomes.append((finding, done, why_not))
    return outcomes


def _since(finding: Finding) -> int | None:
    """From which row of the ledger on it is wrong: of a document its own rows, of a level all."""
    if finding.variant_id is None or finding.location_id is None or finding.bucket not in Bucket.values:
        return None
    by_document = finding.subject.startswith(("transfer:", "purchase:", "count:", "nonconformance:"))
    if not by_document and not finding.check.endswith("sum_of_ledger"):
        return None
    return first_wrong_row(
        variant_id=finding.variant_id, location_id=finding.location_id, bucket=finding.bucket, lot_id=finding.lot_id,
        total=finding.expected if by_document else finding.found, cause=finding.subject if by_document else None,
    )  # fmt: skip


def _still_wrong(finding: Finding) -> Finding | None:
    """The finding as it is under the locks; None when it is gone."""
    for again in find(finding.check, CHECKS[finding.check], limit=1000, subject=finding.subject):
        if (again.variant_id, again.location_id, again.bucket, again.lot_id) == (
            finding.variant_id, finding.location_id, finding.bucket, finding.lot_id
        ):  # fmt: skip
            return again
    return None


def _lock_document(subject: str) -> None:
    kind, pk = subject.partition(":")[0], _id(subject)
    lock = {
        "transfer": lock_transfer,
        "purchase": lock_purchase,
        "count": partial(_lock_row, StockCount),
        "nonconformance": partial(_lock_row, NonConformance),
    }[kind]
    lock(pk)


def _lock_row(model: type[StockCount] | type[NonConformance], pk: int) -> None:
    list(model.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk))


def _lock_owner(owner: str) -> None:
    """Lock the order, transfer or draft that an owner of reservations is of; one that is gone needs none."""
    kind, pk = owner.partition(":")[0], _id(owner)
    if kind == "order_line" and (
        order_id := OrderLine.objects.filter(pk=pk).values_list("order_id", flat=True).first()
    ):
        lock_order(order_id)
    if kind == "draft_hold" and (
        draft_id := HeldStock.objects.filter(pk=pk).values_list("line__draft_id", flat=True).first()
    ):
        lock_draft(draft_id)
    if kind == "transfer_line" and (
        transfer_id := TransferLine.objects.filter(pk=pk).values_list("transfer_id", flat=True).first()
    ):
        lock_transfer(transfer_id)


def _id(subject: str) -> int:
    number = subject.partition(":")[2]
    return int(number) if number.isascii() and number.isdigit() else 0


def _key(finding: Finding) -> tuple[int, int]:
    if finding.variant_id is None or finding.location_id is None:
        raise CannotRepair(f"{finding.where}: this is of no level.")
    return (finding.variant_id, finding.location_id)


def _move(key: tuple[int, int], bucket: str, units: int, lot_id: int | None = None) -> Move:
    return Move(*key, bucket, units, MovementReason.CORRECTION, NOTE, lot_id)
