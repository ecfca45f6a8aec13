"""Transfers out of a file: rows of origin, destination, SKU, quantity and reference become drafts, with an error for each row that cannot.

Rows with the same reference, origin and destination are one transfer; without a reference the places alone decide. A reference that
was brought in before is left as it is, so the same file again changes nothing.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _

from channels.formats.tabular import BadRow, Row, Table, header_key, open_table
from core.actors import Actor
from core.formulas import plain_text
from core.jobs import JobKind, register_job, report_error
from core.models import Job, StoredFile
from core.refusals import Invalid, Refusal
from inventory.models import Location
from transfers.models import Transfer
from transfers.operations import NewTransfer, create_transfer, find_variants
from transfers.operations.drafting import MAX_QUANTITY

IMPORT_JOB = "import_transfers"
COLUMNS = ("origin", "destination", "sku", "quantity", "reference")
REQUIRED = COLUMNS[:4]
#: Transfers made in one step of the job.
PORTION = 50
MAX_ROWS = 100_000


@dataclass(slots=True)
class Group:
    """The rows that become one transfer: (line of the file, SKU, quantity as typed)."""

    origin: str
    destination: str
    reference: str
    rows: list[tuple[int, str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Step:
    """What a step works on: the groups of its portion, the rows that could not be read (first step only), and how many groups there are."""

    groups: list[Group]
    bad: list[BadRow]
    count: int


@register_job
class ImportTransfers(JobKind):
    """cursor: `at`, how many groups are through."""

    name = IMPORT_JOB
    permission = "transfers.edit"

    def work(self, job: Job) -> Step:
        """Read the file and take the portion that is next."""
        at = job.cursor.get("at", 0)
        groups, bad = _groups_of(job.source_id)
        return Step(groups[at : at + PORTION], bad if at == 0 else [], len(groups))

    def save(self, job: Job, worked: Step, *, now: datetime) -> bool:
        """Make the drafts; a row at fault is told and its transfer is not made."""
        for row in worked.bad:
            report_error(job, reference="", message=row.message, line=row.line, raw=list(row.cells))
        maker = _Maker(job, worked.groups, now=now)
        for group in worked.groups:
            maker.make(group)
        at = job.cursor.get("at", 0) + len(worked.groups)
        job.cursor, job.done, job.total = {"at": at}, at, worked.count
        return at >= worked.count

    def result_url(self, job: Job) -> str:
        return f"{reverse('transfers')}?tab=draft"


def read_groups(data: bytes) -> tuple[list[Group], list[BadRow]]:
    """The transfers of a file in the order in which they begin, and the rows that cannot be read. Raises Refusal for a file that is none."""
    groups: dict[tuple[str, str, str], Group] = {}
    bad: list[BadRow] = []
    with open_table(io.BytesIO(data), known=COLUMNS) as table:
        places = _columns(table)
        for count, row in enumerate(table.rows(), 1):
            if count > MAX_ROWS:
                raise Invalid("too_many_rows", _("A file has at most {most} rows.").format(most=MAX_ROWS))
            if isinstance(row, BadRow):
                bad.append(row)
                continue
            origin, destination, sku, quantity, reference = _cells(row, places)
            key = (origin.casefold(), destination.casefold(), reference)
            group = groups.setdefault(key, Group(origin, destination, reference[:60]))
            group.rows.append((row.line, sku, quantity))
    return list(groups.values()), bad


def _columns(table: Table) -> dict[str, int]:
    """Column → its place. Raises Invalid that names what is missing."""
    places = {header_key(name): n for n, name in enumerate(table.header)}
    missing = [name for name in REQUIRED if name not in places]
    if missing:
        raise Invalid("missing_column", _("The file has no column {columns}.").format(columns=", ".join(missing)))
    return {name: places[name] for name in COLUMNS if name in places}


def _cells(row: Row, places: dict[str, int]) -> Iterator[str]:
    return (plain_text(row.cells[places[name]].strip()) if name in places else "" for name in COLUMNS)


@lru_cache(maxsize=1)
def _groups_of(source_id: int | None) -> tuple[list[Group], list[BadRow]]:
    """What a kept file says; it never changes, and each step of its job asks."""
    source = StoredFile.objects.filter(pk=source_id).first()
    if source is None:
        raise Refusal("no_file", _("The file is gone."))
    return read_groups(bytes(source.data))


class _Maker:
    """Turns groups into drafts; places and SKUs of the whole portion are looked up once."""

    def __init__(self, job: Job, groups: list[Group], *, now: datetime) -> None:
        self.job, self.now = job, now
        kind, _sep, key = job.actor.partition(":")
        self.actor = Actor(kind, key, job.actor_label)
        self.places = {
            word.casefold(): place for place in Location.objects.order_by("pk") for word in (place.name, place.code)
        }
        self.variants = find_variants({sku for group in groups for _line, sku, _quantity in group.rows})

    def make(self, group: Group) -> None:
        """One draft, or an error for each row that stands in its way."""
        faults = [(line, self._fault(group, sku, quantity)) for line, sku, quantity in group.rows]
        if any(message for _line, message in faults):
            for line, message in faults:
                text = message or _("Another row of this transfer cannot be taken.")
                report_error(self.job, reference=group.reference, message=text, line=line)
            return
        origin, destination = self.places[group.origin.casefold()], self.places[group.destination.casefold()]
        lines = tuple((self.variants[sku].pk, int(quantity)) for _line, sku, quantity in group.rows)
        if group.reference and self._is_known(group, origin.pk, destination.pk):
            return
        request = NewTransfer(
            origin.pk, destination.pk, lines, reference=group.reference, key=self._key(group, origin.pk, destination.pk)
        )
        try:
            with transaction.atomic():
                create_transfer(request, actor=self.actor, now=self.now)
        except Refusal as refusal:
            report_error(self.job, reference=group.reference, message=refusal.message, line=group.rows[0][0])

    def _is_known(self, group: Group, origin_id: int, destination_id: int) -> bool:
        """An export names a transfer by its number; one that was made by hand may have the reference already."""
        same = Transfer.objects.filter(origin_id=origin_id, destination_id=destination_id)
        return same.filter(Q(number=group.reference) | Q(reference=group.reference)).exists()

    def _key(self, group: Group, origin_id: int, destination_id: int) -> str:
        """A reference is taken once; without one the file itself (its hash) is."""
        named = group.reference or StoredFile.objects.values_list("sha256", flat=True).get(pk=self.job.source_id)
        return f"file:{origin_id}:{destination_id}:{named}"

    def _fault(self, group: Group, sku: str, quantity: str) -> str:
        for name in (group.origin, group.destination):
            if name.casefold() not in self.places:
                return _("There is no location “{name}”.").format(name=name[:60])
        if sku not in self.variants:
            return _("There is no SKU “{sku}”.").format(sku=sku[:60])
        if not (quantity.isascii() and quantity.isdigit() and 0 < int(quantity) <= MAX_QUANTITY):
            return _("“{text}” is no quantity.").format(text=quantity[:20])
        return ""
