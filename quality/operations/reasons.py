"""The merchant's list of reasons. A fresh shop has the usual ones; each can be renamed or switched off."""

from __future__ import annotations

import re
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.actors import Actor
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from quality.models import NonConformanceReason

#: code → name of the reasons that every shop begins with.
USUAL = {
    "transit": gettext_lazy("Damaged in transit"),
    "handling": gettext_lazy("Damaged in the warehouse"),
    "packaging": gettext_lazy("Packaging damaged"),
    "defect": gettext_lazy("Defective"),
    "expired": gettext_lazy("Expired"),
    "inspection": gettext_lazy("To be inspected"),
    "recall": gettext_lazy("Recall"),
    "other": gettext_lazy("Other"),
}
SUBJECT = "nonconformance-reasons"
_CODE = re.compile(r"[a-z0-9_]{1,30}")


def find_reason(code: str) -> NonConformanceReason:
    """The reason of this code (or name); a usual one is written down when it is first used. Raises Invalid (field `reason`)."""
    reason = (
        NonConformanceReason.objects.filter(code=code).first() or NonConformanceReason.objects.filter(name=code).first()
    )
    if reason is None and code in USUAL:
        reason, _created = NonConformanceReason.objects.get_or_create(code=code, defaults={"name": str(USUAL[code])})
    if reason is None or not reason.active:
        raise Invalid("bad_reason", _("Choose a reason."), field="reason")
    return reason


def reason_choices() -> list[tuple[str, str]]:
    """(code, name) of every active reason: the merchant's own, and the usual ones that were never changed. One statement."""
    rows = {row.code: row for row in NonConformanceReason.objects.order_by("name")}
    own = [(row.code, row.name) for row in rows.values() if row.active]
    return own + [(code, str(name)) for code, name in USUAL.items() if code not in rows]


def save_reason(*, code: str, name: str, active: bool = True, actor: Actor, now: datetime) -> NonConformanceReason:
    """Add a reason, rename it or switch it off. Raises Invalid (fields `code`, `name`), Refusal `name_taken`."""
    text = " ".join(name.split())
    if not _CODE.fullmatch(code):
        raise Invalid("bad_code", _("A code has small letters, digits and _ only."), field="code")
    if not 0 < len(text) <= 80 or not text.isprintable():
        raise Invalid("bad_name", _("Give it a name of at most 80 characters."), field="name")
    try:
        with transaction.atomic():
            reason, _created = NonConformanceReason.objects.update_or_create(
                code=code, defaults={"name": text, "active": active}
            )
            record(SUBJECT, "nonconformance.reason_saved", actor=actor, at=now, name=text, active=active)
            return reason
    except IntegrityError:
        raise Refusal("name_taken", _("There is a reason of that name already."), field="name") from None


def drop_reason(*, code: str, actor: Actor, now: datetime) -> None:
    """Switch a reason off: cases that have it keep it. Raises NotFound."""
    names = dict(reason_choices())
    if code not in names:
        raise NotFound("no_such_reason", _("There is no such reason."))
    save_reason(code=code, name=names[code], active=False, actor=actor, now=now)
