"""Stock that a draft holds until a day: reserved where routing would send it from, given back at its date, or taken by the order it becomes.

A hold takes what there is: what no location can promise stays unheld, and the page says how much. Everything a change of a hold may touch
is locked at once (levels by variant and location), so what is given back and taken anew is nobody else's in between.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.geo import locate
from core.outbox import publish
from core.refusals import Invalid, Refusal
from drafts.models import DraftLine, DraftOrder, HeldStock
from drafts.operations.locking import Locked, lock_draft, record, write_draft
from inventory.bundles import components_of
from inventory.events import StockIncreased
from inventory.operations import Claim, Level, lock_levels, release
from inventory.operations.levels import Key
from inventory.operations.reservations import write_reservations
from oms.orchestration.planning import prepare
from routing.engine.plan import Planner
from routing.engine.types import Demand, Member, Need
from routing.queries import variant_level_keys, with_capacity

#: (line id, variant id) → units that would have to be held.
Wanted = dict[tuple[int, int], int]


def hold_stock(
    *, draft_id: int, until: datetime, actor: Actor, now: datetime, version: int | None = None
) -> DraftOrder:
    """Hold the stock of all lines until a moment, or hold it until another one. Raises Invalid (field `hold_until`), Stale,
    Refusal `nothing_to_hold` when no location can promise any of it."""
    if until <= now:
        raise Invalid("bad_until", _("That time has passed already."), field="hold_until")
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        locked.check("hold")
        wanted = wanted_of(locked.lines)
        units = _hold_anew(locked, wanted, actor=actor, now=now)
        if not units:
            raise Refusal("nothing_to_hold", _("No location can promise any of it now."), field="hold_until")
        write_draft(locked, now=now, hold_until=until)
        record(locked.draft, "draft.held", actor=actor, now=now, units=units, wanted=sum(wanted.values()), until=until)
        return locked.draft


def release_stock(
    *, draft_id: int, actor: Actor, now: datetime, version: int | None = None, due_at: datetime | None = None
) -> DraftOrder:
    """Give the held stock back. due_at: only if its date has come by then (else nothing happens). Raises Stale, Refusal `wrong_state`."""
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        draft = locked.draft
        if due_at is not None and (draft.hold_until is None or draft.hold_until > due_at):
            return draft
        locked.check("release")
        units = give_back(locked, actor=actor, now=now)
        write_draft(locked, now=now, hold_until=None)
        record(draft, "draft.released", actor=actor, now=now, units=units, due=due_at is not None)
        return draft


def follow_lines(locked: Locked, *, actor: Actor, now: datetime) -> int:
    """Bring the hold of a locked draft in line with its lines, after these were changed; the units it holds then."""
    if locked.draft.hold_until is None:
        return 0
    rows = held_by(locked.draft)
    held: Wanted = defaultdict(int)
    for row in rows:
        held[(row.line_id, row.variant_id)] += row.quantity
    wanted = wanted_of(locked.lines)
    return sum(held.values()) if held == wanted else _hold_anew(locked, wanted, actor=actor, now=now)


def give_back(locked: Locked, *, actor: Actor, now: datetime, announce: bool = True) -> int:
    """Release everything a locked draft holds; the units. The caller saves the draft. With `announce`, who waits for stock is told."""
    rows = held_by(locked.draft)
    release(claims_of(rows), cause=locked.draft.subject, actor=actor, now=now, announce=announce)
    HeldStock.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return sum(row.quantity for row in rows)


def lock_all_levels(locked: Locked) -> dict[Key, Level]:
    """Lock every level that the draft holds or could take, at once and in order."""
    variants = {variant_id for _line, variant_id in wanted_of(locked.lines)}
    held = {(row.variant_id, row.location_id) for row in held_by(locked.draft)}
    return lock_levels({*held, *variant_level_keys(variants)})


def held_by(draft: DraftOrder) -> list[HeldStock]:
    """What the draft holds."""
    return list(HeldStock.objects.filter(line__draft=draft).order_by("variant_id", "location_id", "pk"))


def claims_of(rows: Iterable[HeldStock]) -> list[Claim]:
    """The reservations of held stock."""
    return [Claim(row.variant_id, row.location_id, row.owner, row.quantity) for row in rows]


def wanted_of(lines: Sequence[DraftLine]) -> Wanted:
    """What the lines need from stock: of bundles their components; nothing for words and for what is not shipped."""
    wanted: Wanted = {}
    for line, parts in _parts_of(lines):
        for variant_id, per_unit in parts:
            wanted[(line.pk, variant_id)] = line.quantity * per_unit
    return wanted


def _parts_of(lines: Sequence[DraftLine]) -> list[tuple[DraftLine, list[tuple[int, int]]]]:
    """Each line with the (variant id, units per unit of the line) that stock has to give for it."""
    bundles = [line.variant_id for line in lines if line.variant and line.variant.is_bundle]
    components = components_of(bundles) if bundles else {}
    found = []
    for line in lines:
        if line.variant is None:
            continue
        if line.variant.is_bundle:
            parts = components.get(line.variant.pk, [])
            found.append((line, [(part.variant_id, part.quantity) for part in parts if part.requires_shipping]))
        elif line.variant.requires_shipping:
            found.append((line, [(line.variant.pk, 1)]))
    return found


def _hold_anew(locked: Locked, wanted: Wanted, *, actor: Actor, now: datetime) -> int:
    """Give back what is held and hold what can be had of `wanted`; the units held."""
    levels = lock_all_levels(locked)
    rows = held_by(locked.draft)
    for row in rows:
        levels[(row.variant_id, row.location_id)].reserved -= row.quantity
    release(claims_of(rows), cause=locked.draft.subject, actor=actor, now=now, announce=False)
    HeldStock.objects.filter(pk__in=[row.pk for row in rows]).delete()
    made = HeldStock.objects.bulk_create(
        HeldStock(line_id=line, variant_id=variant, location_id=location, quantity=units)
        for (line, variant, location), units in _planned(locked, wanted, levels, now=now).items()
    )
    claims = claims_of(made)
    write_reservations(
        claims, {claim.owner: locked.draft.subject for claim in claims}, actor=actor, now=now, new_owners=True
    )
    before, after = _by_variant(rows), _by_variant(made)
    if risen := sorted(variant for variant, units in before.items() if after[variant] < units):
        publish(StockIncreased(risen), actor=actor)
    return sum(row.quantity for row in made)


def _by_variant(rows: Iterable[HeldStock]) -> Counter[int]:
    units: Counter[int] = Counter()
    for row in rows:
        units[row.variant_id] += row.quantity
    return units


def _planned(
    locked: Locked, wanted: Wanted, levels: Mapping[Key, Level], *, now: datetime
) -> dict[tuple[int, int, int], int]:
    """(line id, variant id, location id) → units, on the locked levels: by the rules by which the order would be routed, or at the one
    location where it is handed over."""
    stock: dict[int, dict[int, int]] = defaultdict(dict)
    for (variant_id, location_id), level in levels.items():
        if level.available > 0:
            stock[variant_id][location_id] = level.available
    if locked.draft.location_id:
        return _at_one_place(locked.draft.location_id, wanted, stock)
    needs, keys, sets = [], {}, []
    for line, parts in _parts_of(locked.lines):
        members = []
        for variant_id, per_unit in parts:
            need_id = len(needs) + 1
            keys[need_id] = line.pk
            needs.append(Need(need_id, variant_id, line.quantity * per_unit))
            members.append(Member(need_id, per_unit))
        if line.variant and line.variant.is_bundle and members:
            sets.append(tuple(members))
    if not needs:
        return {}
    ready, address = prepare(), locked.draft.ship_to
    lat, lon = locate([address])[0] or (None, None)
    demand = Demand(0, locked.draft.channel_id, address.country, lat, lon, tuple(needs), tuple(sets))
    plan = Planner(with_capacity(ready.planner.sites, now=now), ready.basis.rules).plan(demand, stock)
    found: dict[tuple[int, int, int], int] = defaultdict(int)
    for got in plan.allocations:
        found[(keys[got.line_id], got.variant_id, got.site_id)] += got.quantity
    return found


def _at_one_place(
    location_id: int, wanted: Wanted, stock: Mapping[int, dict[int, int]]
) -> dict[tuple[int, int, int], int]:
    found = {}
    for (line_id, variant_id), units in wanted.items():
        there = stock.get(variant_id, {})
        taken = min(units, there.get(location_id, 0))
        if taken:
            there[location_id] -= taken
            found[(line_id, variant_id, location_id)] = taken
    return found
