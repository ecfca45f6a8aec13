"""Rules as CSV: what is exported can be imported, and changes nothing then.

Columns: channel, scope (channel, type, tag, sku), target (the type, the tag or the SKU), buffer (none, units, percent, days), value,
pool (its name), maximum, budget, budget_until (YYYY-MM-DD), never (yes/no), active (yes/no), note.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from availability.models import AvailabilityRule, LocationPool, Scope
from availability.operations.marking import mark_pairs
from availability.operations.recomputing import recompute
from availability.operations.rules import save_rule
from core.actors import Actor
from core.formulas import plain_text, safe_text
from core.jobs import start_job
from core.models import Job, StoredFile
from core.refusals import Invalid
from orders.models import Channel

#: Name of the job.
IMPORT_RULES = "availability-rules"
COLUMNS = ("channel", "scope", "target", "buffer", "value", "pool", "maximum", "budget", "budget_until", "never", "active", "note")  # fmt: skip
MAX_FILE = 32 << 20
_YES, _NO = {"yes", "true", "1", "y"}, {"no", "false", "0", "n", ""}
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"[0-9]{1,9}([.,][0-9]{1,2})?")


def csv_rows(rules: Iterable[AvailabilityRule]) -> Iterator[str]:
    """The file, line by line; rules come with channel, variant and pool."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for rule in rules:
        yield writer.writerow([safe_text(cell) if isinstance(cell, str) else cell for cell in rule_cells(rule)])


def rule_cells(rule: AvailabilityRule) -> tuple[str | int, ...]:
    """A rule in the order of COLUMNS; it comes with channel, variant and pool."""
    return (
        rule.channel.name, rule.scope, rule.variant.sku if rule.variant else rule.target, rule.buffer,
        format(rule.value.normalize(), "f") if rule.value else "", rule.pool.name if rule.pool else "",
        "" if rule.maximum is None else rule.maximum, rule.budget or "", rule.budget_until.isoformat() if rule.budget_until else "",
        "yes" if rule.never else "no", "yes" if rule.active else "no", rule.note,
    )  # fmt: skip


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, value: str) -> str:
        return value


def import_rules(*, file: StoredFile, actor: Actor, now: datetime) -> Job:
    """Start the job that takes a file of rules. Raises Invalid (field ``file``) for a file without the columns."""
    head = bytes(file.data[:4096]).decode("utf-8-sig", "replace").splitlines()
    names = {name.strip().strip('"').lower() for name in re.split("[,;]", head[0])} if head else set()
    missing = [name for name in ("channel", "scope") if name not in names]
    if missing:
        raise Invalid("bad_file", _("The file has no column “{name}”.").format(name=missing[0]), field="file")
    with transaction.atomic():
        return start_job(kind=IMPORT_RULES, title=_("Availability rules from {file}").format(file=file.name), params={}, source=file, actor=actor, now=now)  # fmt: skip


def take_row(job: Job, cells: dict[str, str], *, actor: Actor, now: datetime) -> None:
    """Add or change the rule of one row, in the caller's transaction. Raises Invalid naming the column."""
    row = {name: plain_text((cells.get(name) or "").strip()) for name in COLUMNS}
    if any("\x00" in text for text in row.values()):
        raise Invalid("bad_text", _("The row holds a NUL character."))
    channel_id = _named(Channel, row["channel"], "channel")
    scope = row["scope"] or ("sku" if row["target"] else "channel")
    values: dict[str, Any] = {
        "channel_id": channel_id, "scope": scope, "buffer": row["buffer"] or "none", "value": _decimal(row["value"]),
        "pool_id": _named(LocationPool, row["pool"], "pool") if row["pool"] else None, "maximum": _whole(row["maximum"], "maximum"),
        "budget": _whole(row["budget"], "budget") or 0, "budget_until": _day(row["budget_until"]), "never": _flag(row["never"], "never", default=False),
        "active": _flag(row["active"], "active", default=True), "note": row["note"],
        **({"sku": row["target"]} if scope == Scope.SKU else {"target": row["target"]}),
    }  # fmt: skip
    stored = AvailabilityRule.objects.filter(channel_id=channel_id, scope=scope)
    stored = stored.filter(variant__sku=row["target"]) if scope == Scope.SKU else stored.filter(target=row["target"])
    known = stored.values_list("pk", flat=True).first()
    with transaction.atomic():
        saved = save_rule(rule_id=known, values=values, actor=actor, now=now, work_in=False)
    if saved.changed and saved.rule.variant_id:
        mark_pairs([(channel_id, saved.rule.variant_id)], now=now, at_once=True)
    elif saved.changed:
        wide = job.cursor.setdefault("wide", [])
        if channel_id not in wide:
            wide.append(channel_id)


def finish_import(job: Job, *, actor: Actor, now: datetime) -> None:
    """Work out the channels of which wide rules came."""
    for channel in Channel.objects.filter(pk__in=job.cursor.get("wide", [])).order_by("pk"):
        recompute(channel=channel, scopes=None, actor=actor, now=now)


def _named(model: type[Channel] | type[LocationPool], name: str, field: str) -> int:
    found = model._default_manager.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise Invalid("unknown_name", _("There is no “{name}”.").format(name=name[:80]), field=field)
    return int(found)


def _decimal(text: str) -> Decimal:
    if text and not _NUMBER.fullmatch(text):
        raise Invalid("bad_number", _("“{text}” is no number.").format(text=text[:40]), field="value")
    try:
        return Decimal(text.replace(",", ".") or 0)
    except InvalidOperation:
        raise Invalid("bad_number", _("“{text}” is no number.").format(text=text[:40]), field="value") from None


def _whole(text: str, field: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and _WHOLE.fullmatch(text)):
        raise Invalid("bad_number", _("“{text}” is no whole number.").format(text=text[:40]), field=field)
    return int(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("bad_day", _("Write a day as 2026-12-31."), field="budget_until") from None


def _flag(text: str, field: str, *, default: bool) -> bool:
    word = text.lower()
    if not word:
        return default
    if word not in _YES | _NO:
        raise Invalid("bad_flag", _("Write yes or no."), field=field)
    return word in _YES
