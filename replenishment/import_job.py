"""Reorder points from a file: SKU, location (empty: in total), reorder point, order up to; as a job with progress."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from django.utils.translation import gettext as _

from channels.formats.errors import FileRefused
from channels.formats.tabular import BadRow, Row, Table, header_key, open_table
from core.actors import Actor
from core.files import store_file
from core.formulas import plain_text
from core.jobs import JobKind, register_job, report_error, start_job
from core.models import Job
from core.refusals import Invalid
from inventory.models import Location, Variant
from replenishment.operations.policies import PolicyWish, fault_of, set_policies

#: Rows written in one step.
PORTION = 2_000
MAX_FILE = 20 * 1024 * 1024
COLUMNS = ("sku", "location", "reorder_point", "order_up_to")
_KEYS = {name: header_key(name) for name in COLUMNS}


@dataclass(slots=True)
class Portion:
    """Rows read outside the transaction: wishes with their lines, and what is wrong with the others."""

    wishes: list[tuple[int, PolicyWish]] = field(default_factory=list)
    faults: list[tuple[int, str, str, str]] = field(default_factory=list)  # line, reference, column, sentence
    read: int = 0
    last: bool = False


@register_job
class ImportPolicies(JobKind):
    """Sets the policies of a file, portion by portion; rows that cannot be are reported, the rest goes on."""

    name = "import_policies"
    permission = "replenishment.edit"

    def work(self, job: Job) -> Portion:
        with open_policies(bytes(job.source.data) if job.source else b"") as table:
            start = job.cursor.get("read", 0)
            rows = list(islice(table.rows(), start, start + PORTION))
            portion = _understand(table, rows)
            portion.read, portion.last = start + len(rows), len(rows) < PORTION
            return portion

    def save(self, job: Job, worked: Portion, *, now: datetime) -> bool:
        kind, _sep, key = job.actor.partition(":")
        wishes = [wish for _line, wish in worked.wishes]
        outcome = set_policies(wishes=wishes, actor=Actor(kind, key, job.actor_label), now=now)
        for line, reference, column, message in worked.faults:
            report_error(job, reference=reference, message=message, line=line, field=column)
        for label, reason in outcome.refused:
            report_error(job, reference=label, message=reason)
        job.cursor = {"read": worked.read}
        job.done = worked.read
        if worked.last:
            job.total = worked.read
        return worked.last


def open_policies(data: bytes) -> Table:
    """Open a file of policies. Raises FileRefused, also when a column is missing."""
    table = open_table(data, known=set(_KEYS.values()))
    known = {header_key(name) for name in table.header}
    missing = [name for name in ("sku", "reorder_point") if _KEYS[name] not in known]
    if missing:
        table.close()
        raise FileRefused("missing_column", _("The file has no column “{name}”.").format(name=missing[0]))
    return table


def start_import(*, name: str, data: bytes, actor: Actor, now: datetime) -> Job:
    """Begin an import of policies. Raises Invalid (field `file`) for a file that cannot be read as such."""
    if len(data) > MAX_FILE:
        raise Invalid("too_large", _("The file is larger than {size} MB.").format(size=MAX_FILE >> 20), field="file")
    try:
        open_policies(data).close()
    except FileRefused as refused:
        raise Invalid(refused.code, str(refused), field="file") from refused
    file = store_file(name=name, content_type="text/csv", data=data)
    title = _("Reorder points from {name}").format(name=name)
    return start_job(kind=ImportPolicies.name, title=title, params={}, actor=actor, now=now, source=file)


def _understand(table: Table, rows: list[Row | BadRow]) -> Portion:
    """Rows as wishes. Two statements whatever their number."""
    places = {header_key(name): n for n, name in enumerate(table.header)}
    where = {name: places.get(key) for name, key in _KEYS.items()}
    portion = Portion()
    cells: list[tuple[int, dict[str, str]]] = []
    for row in rows:
        if isinstance(row, BadRow):
            portion.faults.append((row.line, ", ".join(row.cells[:2]), "", row.message))
        else:
            cells.append(
                (row.line, {n: plain_text(row.cells[at].strip()) if at is not None else "" for n, at in where.items()})
            )
    variants = _variants({values["sku"] for _line, values in cells})
    locations = _locations({values["location"] for _line, values in cells})
    for line, values in cells:
        reference = " · ".join(filter(None, (values["sku"], values["location"])))
        wish = _wish(values, variants, locations)
        if isinstance(wish, PolicyWish):
            portion.wishes.append((line, wish))
        else:
            portion.faults.append((line, reference, *wish))
    return portion


def _wish(values: dict[str, str], variants: dict[str, int], locations: dict[str, int]) -> PolicyWish | tuple[str, str]:
    variant_id = variants.get(values["sku"])
    if variant_id is None:
        return "sku", _("There is no SKU “{sku}”.").format(sku=values["sku"][:64])
    location_id = locations.get(values["location"].casefold()) if values["location"] else None
    if values["location"] and location_id is None:
        return "location", _("There is no location “{name}”.").format(name=values["location"][:60])
    numbers = {}
    for name in ("reorder_point", "order_up_to"):
        text = values[name] or (values["reorder_point"] if name == "order_up_to" else "")
        if not (text.isascii() and text.isdecimal() and len(text) < 12):
            return name, _("“{text}” is not a whole number.").format(text=text[:20])
        numbers[name] = int(text)
    if fault := fault_of(**numbers):
        return fault
    return PolicyWish(variant_id, location_id, **numbers)


def _variants(skus: set[str]) -> dict[str, int]:
    asked = [sku for sku in skus if sku and "\x00" not in sku]
    return dict(Variant.objects.filter(sku__in=asked).values_list("sku", "pk"))


def _locations(names: set[str]) -> dict[str, int]:
    """Name or code in small letters → location; a code counts more than a name."""
    if not any(names):
        return {}
    rows = list(Location.objects.values_list("pk", "name", "code"))
    return {name.casefold(): pk for pk, name, _c in rows} | {code.casefold(): pk for pk, _n, code in rows}


def policy_lines(rows: Any) -> Iterator[tuple[Any, ...]]:
    """Policies as rows of the file that an import reads: SKU, location's code (empty: in total), point, up to."""
    for policy in rows:
        code = policy.location.code if policy.location else ""
        yield policy.variant.sku, code, policy.reorder_point, policy.order_up_to
