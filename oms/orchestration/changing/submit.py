"""Submit a change order: one transaction, once, on the order as it was shown, with the effect that was shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid, Refusal, Stale
from core.timeline import record
from oms.orchestration.changing.applying import apply_change
from oms.orchestration.changing.changes import Change, to_json
from oms.orchestration.changing.editing import open_edit
from oms.orchestration.changing.effect import Effect, effect_between, read_facts
from oms.orchestration.changing.writing import write_edit
from orders.events import OrderChanged
from orders.models import ChangeOrder, Order
from orders.operations import lock_order
from orders.states import Lifecycle


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one change of several cannot be made. index: from 0, as they were asked for."""

    index: int
    code: str
    message: str
    field: str = ""


class EffectMoved(Stale):
    """The change would do something else than what was shown, because stock or rules moved meanwhile. `effect` is what it would do now."""

    def __init__(self, effect: Effect) -> None:
        self.effect = effect
        super().__init__(
            "effect_moved",
            _(
                "Since you looked, stock or work has moved, and the change would do something else. See what it would do now."
            ),
            digest=effect.digest(),
        )


def submit_change(
    *,
    order_id: int,
    changes: Sequence[Change],
    version: int,
    key: str,
    digest: str = "",
    reason: str = "",
    actor: Actor,
    now: datetime,
) -> ChangeOrder:
    """Apply changes to an order. The same key again answers the change order that it made, and changes nothing.

    version: of the order as it was shown. digest: of the effect that was shown; without one any effect will do.
    Raises NotFound, Stale (the order was changed), EffectMoved, Invalid and Refusal naming the change (``changes[2].units``).
    """
    if not key or len(key) > 120:
        raise Invalid("bad_key", _("A submission has a key of 1 to 120 characters."), field="key")
    with transaction.atomic():
        order = lock_order(order_id)
        known = order.changes.filter(key=key).first()
        if known is not None:
            return known
        check_version(order, version)
        effect, refused = apply_changes(order, changes, actor=actor, now=now)
        if refused:
            first = refused[0]
            raise Refusal(first.code, first.message, field=f"changes[{first.index}].{first.field}".rstrip("."))
        if digest and digest != effect.digest():
            raise EffectMoved(effect)
        return _keep(order_id, changes, effect, version=version, key=key, reason=reason, actor=actor, now=now)


def check_version(order: Order, version: int) -> None:
    """Raise Stale when somebody changed the order since that version."""
    if order.version != version:
        message = _("Order {number} was changed by somebody else since you opened it. Look again.")
        raise Stale("order_changed", message.format(number=order.number), version=order.version)


def apply_changes(
    order: Order, changes: Sequence[Change], *, actor: Actor, now: datetime
) -> tuple[Effect, list[Refused]]:
    """Make the changes of a locked order that can be made, and say why the others cannot. Preview and submit both end here.

    Raises Refusal when the order as a whole cannot be changed any more.
    """
    if order.lifecycle != Lifecycle.OPEN:
        raise Refusal("not_open", _("Order {number} is not open any more.").format(number=order.number))
    if not changes:
        raise Invalid("bad_changes", _("Nothing is changed."), field="changes")
    before = read_facts(order.pk)
    edit = open_edit(order)
    refused: list[Refused] = []
    for index, change in enumerate(changes):
        trial = edit.copied()
        try:
            apply_change(change, trial)
        except Refusal as refusal:
            refused.append(Refused(index, refusal.code, refusal.message, refusal.field or ""))
        else:
            edit = trial
    write_edit(edit, actor=actor, now=now)
    return effect_between(before, read_facts(order.pk)), refused


def _keep(
    order_id: int,
    changes: Sequence[Change],
    effect: Effect,
    *,
    version: int,
    key: str,
    reason: str,
    actor: Actor,
    now: datetime,
) -> ChangeOrder:
    before, after = effect.amount("current_total")
    made = ChangeOrder.objects.create(
        order_id=order_id,
        position=ChangeOrder.objects.filter(order_id=order_id).count() + 1,
        key=key,
        version=version,
        reason=reason.strip()[:200],
        changes=[to_json(change) for change in changes],
        effect=effect.to_json(),
        total_before=before,
        total_after=after,
        actor=actor.ref,
        actor_label=actor.label[:120],
        at=now,
    )
    record(
        f"order:{order_id}", "order.changed", actor=actor, at=now, change=made.position, kinds=sorted({c.kind for c in changes}),
        before=before, after=after, currency=effect.currency, reason=made.reason,
    )  # fmt: skip
    publish(OrderChanged(order_id, made.pk), actor=actor)
    return made
