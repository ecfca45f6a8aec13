"""Rules and pools as people write them: checked field by field, kept with their differences, worked in at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from availability.models import AvailabilityRule, Buffer, LocationPool, Scope
from availability.operations.recomputing import ScopeKey, recompute, scope_key
from availability.operations.surroundings import refresh_sales
from availability.queries import local_days
from core.actors import Actor
from core.models import Job
from core.refusals import Invalid, NotFound, Refusal, Stale
from core.timeline import record
from inventory.models import Location, Variant
from orders.models import Channel

FIELDS = ("buffer", "value", "pool_id", "maximum", "budget", "budget_until", "never", "active", "note")
MOST_UNITS = 100_000_000


@dataclass(frozen=True, slots=True)
class SavedRule:
    """The rule, whether it is new, what changed, and the job that works it in (None: done by marks)."""

    rule: AvailabilityRule
    added: bool
    changed: bool
    job: Job | None = None
    scopes: tuple[ScopeKey, ...] = ()


def draft_rule(*, rule_id: int | None, values: Mapping[str, Any], now: datetime) -> AvailabilityRule:
    """The rule as it would be stored, checked and not stored. Raises Invalid naming the field, NotFound."""
    stored = AvailabilityRule.objects.filter(pk=rule_id).first() if rule_id is not None else None
    if rule_id is not None and stored is None:
        raise NotFound("no_such_rule", _("There is no such rule."))
    rule = stored or AvailabilityRule(updated_at=now)
    for name, value in _clean(rule, values, now).items():
        setattr(rule, name, value)
    _refuse_double(rule)
    return rule


def save_rule(
    *, rule_id: int | None, values: Mapping[str, Any], actor: Actor, now: datetime, version: int | None = None, work_in: bool = True
) -> SavedRule:  # fmt: skip
    """Add a rule (rule_id None) or change one; numbers of its scope, before and after, are worked out again.

    values: channel_id (new rules only), scope, target, sku, and any of FIELDS. version: the one that the page showed.
    work_in False: the caller has the scopes worked out. Raises Invalid naming the field, NotFound, Stale.
    """
    with transaction.atomic():
        _bring_sales_up(rule_id, values, now)
        before = _locked(rule_id, version) if rule_id is not None else None
        rule = draft_rule(rule_id=rule_id, values=values, now=now)
        changes = _differences(before, rule)
        if before is not None and not changes:
            return SavedRule(rule, added=False, changed=False)
        rule.version = before.version + 1 if before else 1
        rule.budget_over = rule.budget > 0 and _is_over(rule, now)
        rule.updated_at = now
        try:
            with transaction.atomic():
                rule.save()
        except IntegrityError:
            raise Invalid("rule_exists", _("There is a rule for this already."), field="target") from None
        if before is None:
            record(rule.subject, "availability_rule.added", actor=actor, at=now, about=describe(rule))
        else:
            record(rule.subject, "availability_rule.changed", actor=actor, at=now, changes=changes)
        scopes = tuple(dict.fromkeys([scope_key(rule), *([scope_key(before)] if before else [])]))
        channel = Channel.objects.get(pk=rule.channel_id)
        job = recompute(channel=channel, scopes=scopes, actor=actor, now=now) if work_in else None
    return SavedRule(rule, before is None, True, job, scopes)


def delete_rule(*, rule_id: int, actor: Actor, now: datetime) -> Job | None:
    """Take a rule away; what it spoke of follows the next wider rule."""
    with transaction.atomic():
        rule = _locked(rule_id, None)
        channel = Channel.objects.get(pk=rule.channel_id)
        record(rule.subject, "availability_rule.deleted", actor=actor, at=now, about=describe(rule))
        scopes = [scope_key(rule)]
        rule.delete()
        return recompute(channel=channel, scopes=scopes, actor=actor, now=now)


def _bring_sales_up(rule_id: int | None, values: Mapping[str, Any], now: datetime) -> None:
    """Days of sales need the channel's sales; their lock comes before that of the rule."""
    if values.get("buffer") == Buffer.DAYS:
        owner = Q(availability_rules=rule_id) if rule_id is not None else Q(pk=values.get("channel_id"))
        channel = Channel.objects.filter(owner).first()
        if channel is not None:
            refresh_sales(channel, now=now)


def describe(rule: AvailabilityRule) -> dict[str, Any]:
    """What the rule says, as plain values for the history."""
    values = {name: getattr(rule, name) for name in ("scope", "target", *FIELDS)} | {
        "channel": Channel.objects.values_list("name", flat=True).get(pk=rule.channel_id),
        "sku": Variant.objects.values_list("sku", flat=True).get(pk=rule.variant_id) if rule.variant_id else "",
    }
    return {name: str(value) if isinstance(value, (Decimal, date)) else value for name, value in values.items()}


def _locked(rule_id: int, version: int | None) -> AvailabilityRule:
    found = AvailabilityRule.objects.select_for_update(of=("self",)).filter(pk=rule_id).first()
    if found is None:
        raise NotFound("no_such_rule", _("There is no such rule."))
    if version is not None and found.version != version:
        raise Stale("rule_changed", _("Somebody has changed this rule meanwhile. Look at it again."))
    return found


def _differences(before: AvailabilityRule | None, rule: AvailabilityRule) -> dict[str, list[Any]]:
    if before is None:
        return {}
    was, now_is = describe(before), describe(rule)
    return {name: [was[name], value] for name, value in now_is.items() if was[name] != value}


def _is_over(rule: AvailabilityRule, now: datetime) -> bool:
    return rule.budget_until is not None and rule.budget_until < local_days([rule.channel_id], now=now)[rule.channel_id]


def _refuse_double(rule: AvailabilityRule) -> None:
    same = AvailabilityRule.objects.exclude(pk=rule.pk).filter(
        channel_id=rule.channel_id, scope=rule.scope, target=rule.target, variant_id=rule.variant_id
    )
    if same.exists():
        field = {Scope.SKU: "sku", Scope.CHANNEL: "scope"}.get(Scope(rule.scope), "target")
        raise Invalid("rule_exists", _("There is a rule for this already."), field=field)


# ---- checks ----------------------------------------------------------------------------------------------------------


def _clean(rule: AvailabilityRule, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    unknown = set(values) - {"channel_id", "scope", "target", "sku", *FIELDS}
    if unknown:
        raise LookupError(f"{sorted(unknown)} of a rule cannot be set here")
    cleaned = {name: values[name] for name in FIELDS if name in values}
    if rule.pk is None:
        cleaned["channel_id"] = _channel(values.get("channel_id"))
    cleaned |= _target(rule, values)

    def now_is(name: str) -> Any:
        return cleaned.get(name, getattr(rule, name))

    if now_is("buffer") not in Buffer.values:
        raise Invalid("bad_buffer", _("Choose what is kept back."), field="buffer")
    cleaned["value"] = _value(now_is("buffer"), Decimal(now_is("value") or 0))
    cleaned["maximum"] = _units(now_is("maximum"), "maximum")
    cleaned["budget"] = _units(now_is("budget"), "budget") or 0
    cleaned["budget_until"] = _until(rule, cleaned, now_is("budget_until"), now)
    if now_is("pool_id") is not None and not LocationPool.objects.filter(pk=now_is("pool_id")).exists():
        raise Invalid("no_such_pool", _("There is no such pool."), field="pool")
    cleaned["note"] = " ".join(str(now_is("note") or "").replace("\x00", "").split())[:200]
    return cleaned


def _channel(channel_id: Any) -> int:
    if channel_id is None or not Channel.objects.filter(pk=channel_id).exists():
        raise Invalid("no_such_channel", _("Choose a channel."), field="channel")
    return int(channel_id)


def _target(rule: AvailabilityRule, values: Mapping[str, Any]) -> dict[str, Any]:
    scope = values.get("scope", rule.scope)
    if scope not in Scope.values:
        raise Invalid("bad_scope", _("Choose what the rule applies to."), field="scope")
    if scope == Scope.SKU:
        sku = str(values.get("sku", "")).strip()
        if not sku and rule.variant_id and "sku" not in values:
            return {"scope": scope, "target": "", "variant_id": rule.variant_id}
        found = None if "\x00" in sku else Variant.objects.filter(sku=sku).values_list("pk", flat=True).first()
        if found is None:
            raise Invalid("unknown_sku", _("There is no SKU “{sku}”.").format(sku=sku[:64]), field="sku")
        return {"scope": scope, "target": "", "variant_id": found}
    target = str(values.get("target", rule.target) or "").strip() if scope != Scope.CHANNEL else ""
    if scope != Scope.CHANNEL and not (1 <= len(target) <= 120 and target.isprintable()):
        raise Invalid("bad_target", _("Write the product type or the tag."), field="target")
    return {"scope": scope, "target": target, "variant_id": None}


def _value(buffer: str, value: Decimal) -> Decimal:
    if buffer == Buffer.NONE:
        return Decimal("0.00")
    most = {Buffer.PERCENT: 100, Buffer.DAYS: 365, Buffer.UNITS: 10_000_000}[Buffer(buffer)]
    if not value.is_finite() or not 0 < value <= most:
        raise Invalid("bad_value", _("More than 0 and at most {most}.").format(most=most), field="value")
    if buffer == Buffer.UNITS and value != value.to_integral_value():
        raise Invalid("bad_value", _("Units are whole."), field="value")
    return value.quantize(Decimal("0.01"))


def _units(units: Any, field: str) -> int | None:
    if units is None:
        return None
    if not 0 <= units <= MOST_UNITS:
        raise Invalid("bad_number", _("Between 0 and {most}.").format(most=MOST_UNITS), field=field)
    return int(units)


def _until(rule: AvailabilityRule, cleaned: Mapping[str, Any], until: date | None, now: datetime) -> date | None:
    """A budget has a last day, and one that is set now has not passed."""
    if not cleaned["budget"]:
        return None
    if until is None:
        raise Invalid("no_end", _("An oversell budget ends on a day: choose it."), field="budget_until")
    channel_id = cleaned.get("channel_id", rule.channel_id)
    if until != rule.budget_until and until < local_days([channel_id], now=now)[channel_id]:
        raise Invalid("past_end", _("This day has passed."), field="budget_until")
    return until


# ---- pools -----------------------------------------------------------------------------------------------------------


def save_pool(*, pool_id: int | None, name: str, location_ids: Sequence[int], actor: Actor, now: datetime) -> LocationPool:  # fmt: skip
    """Add a pool (pool_id None) or change one; the rules that use it are worked out again."""
    name = " ".join(name.replace("\x00", "").split())
    if not 1 <= len(name) <= 80:
        raise Invalid("bad_name", _("A name has 1 to 80 characters."), field="name")
    ids = sorted(Location.objects.filter(pk__in=list(location_ids)).values_list("pk", flat=True))
    if not ids:
        raise Invalid("empty_pool", _("Choose at least one location."), field="locations")
    with transaction.atomic():
        pool = LocationPool.objects.select_for_update().filter(pk=pool_id).first() if pool_id is not None else LocationPool()  # fmt: skip
        if pool is None:
            raise NotFound("no_such_pool", _("There is no such pool."))
        if LocationPool.objects.exclude(pk=pool.pk).filter(name=name).exists():
            raise Invalid("name_taken", _("Another pool has this name."), field="name")
        before = {"name": pool.name, "locations": _names(pool)} if pool.pk else None
        pool.name = name
        pool.save()
        pool.locations.set(ids)
        after = {"name": name, "locations": _names(pool)}
        if before is None:
            record(pool.subject, "availability_pool.added", actor=actor, at=now, **after)
        elif before != after:
            changes = {key: [before[key], value] for key, value in after.items() if before[key] != value}
            record(pool.subject, "availability_pool.changed", actor=actor, at=now, changes=changes)
            if "locations" in changes:
                _work_in(pool, actor=actor, now=now)
    return pool


def delete_pool(*, pool_id: int, actor: Actor, now: datetime) -> None:
    """Take a pool away that no rule uses. Raises Refusal `pool_in_use`."""
    with transaction.atomic():
        pool = LocationPool.objects.select_for_update().filter(pk=pool_id).first()
        if pool is None:
            raise NotFound("no_such_pool", _("There is no such pool."))
        if uses := pool.rules.count():
            raise Refusal("pool_in_use", _("Rules use it: {n}. Give them another pool first.").format(n=uses))
        record(pool.subject, "availability_pool.deleted", actor=actor, at=now, name=pool.name)
        pool.delete()


def _names(pool: LocationPool) -> list[str]:
    return list(pool.locations.order_by("name").values_list("name", flat=True))


def _work_in(pool: LocationPool, *, actor: Actor, now: datetime) -> None:
    by_channel: dict[int, list[ScopeKey]] = {}
    for rule in pool.rules.filter(active=True).order_by("pk"):
        by_channel.setdefault(rule.channel_id, []).append(scope_key(rule))
    for channel in Channel.objects.filter(pk__in=by_channel).order_by("pk"):
        recompute(channel=channel, scopes=by_channel[channel.pk], actor=actor, now=now)
