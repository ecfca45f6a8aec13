"""Imports as background jobs: portion by portion, each with its place in the file in one commit."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.urls import reverse

from channels.feeds import PORTION, Portion, feed_of, forget
from channels.formats import Parsed, RowError
from channels.models import DIFFERENCES_KEPT, ImportKind, ImportRun
from channels.order_requests import COLUMN_OF, new_order
from core.actors import Actor
from core.jobs import JobKind, register_job
from core.models import Job, JobError
from oms.orchestration.import_bundles import import_bundles
from oms.orchestration.import_counted import import_counted
from oms.orchestration.import_inventory import import_inventory
from oms.orchestration.import_locations import import_locations
from oms.orchestration.import_lots import import_lots
from oms.orchestration.import_orders import import_orders
from oms.orchestration.import_outcomes import REFUSED, UNCHANGED, Outcome
from oms.orchestration.import_products import import_products
from oms.orchestration.import_purchases import import_purchases
from oms.orchestration.import_serials import import_serials
from oms.orchestration.import_stock import import_stock


class ImportJob(JobKind):
    """Reads a portion outside the transaction and writes it, its report and the cursor inside."""

    permission = "imports.run"
    kind: ImportKind

    def work(self, job: Job) -> Portion:
        return feed_of(job, _run_of(job)).next(PORTION[self.kind])

    def save(self, job: Job, worked: Portion, *, now: datetime) -> bool:
        run = _run_of(job)
        parsed = [item for item in worked.items if isinstance(item, Parsed)]
        take = self.try_out if run.trial else self.take
        outcomes = take(run, [item.record for item in parsed], actor=_actor_of(job), now=now) if parsed else []
        errors = [item for item in worked.items if isinstance(item, RowError)]
        errors += [
            self.as_error(item, outcome, worked)
            for item, outcome in zip(parsed, outcomes, strict=True)
            if outcome.state == REFUSED
        ]
        _remember(run, self._differences(parsed, outcomes))
        _report(job, run, sorted(errors, key=lambda error: error.line), Counter(outcome.state for outcome in outcomes))
        job.cursor = {"read": worked.read}
        job.done, job.total = worked.line, worked.lines
        if worked.last:
            forget(job)
        return worked.last

    def try_out(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        """What `take` would do: it is done, and taken back."""
        try:
            with transaction.atomic():
                raise _TakenBack(self.take(run, records, actor=actor, now=now))
        except _TakenBack as trial:
            return trial.outcomes

    def _differences(self, parsed: Sequence[Parsed[Any]], outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
        return [
            {
                "line": item.line_from,
                "what": self.name_of(item.record)[:200],
                "state": outcome.state,
                "changes": [[str(cell)[:200] for cell in change] for change in outcome.changes[:20]],
            }
            for item, outcome in zip(parsed, outcomes, strict=True)
            if outcome.state not in (UNCHANGED, REFUSED)
        ][:DIFFERENCES_KEPT]

    @abstractmethod
    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        """Write the records; outcomes in their order."""

    def as_error(self, item: Parsed[Any], outcome: Outcome, portion: Portion) -> RowError:
        """A refused record as the error of its rows."""
        label = portion.columns.label(outcome.field) if portion.columns.knows(outcome.field) else outcome.field
        return RowError(
            self.line_of(item, outcome), item.line_to, label, outcome.message, item.raw, self.name_of(item.record)
        )

    def line_of(self, item: Parsed[Any], outcome: Outcome) -> int:
        return item.line_from

    @abstractmethod
    def name_of(self, record: Any) -> str:
        """What people call the record."""

    def result_url(self, job: Job) -> str:
        return reverse("import", args=[_run_of(job).pk])


class _TakenBack(Exception):
    """Ends a trial: whatever was written inside is rolled back."""

    def __init__(self, outcomes: list[Outcome]) -> None:
        super().__init__("taken back")
        self.outcomes = outcomes


def _remember(run: ImportRun, differences: list[dict[str, Any]]) -> None:
    """Keep the first differences of a run."""
    room = DIFFERENCES_KEPT - len(run.differences)
    if differences and room > 0:
        run.differences += differences[:room]
        run.save(update_fields=["differences"])


def _run_of(job: Job) -> ImportRun:
    return ImportRun.objects.select_related("channel").get(job=job)


def _actor_of(job: Job) -> Actor:
    kind, _sep, key = job.actor.partition(":")
    return Actor(kind, key, job.actor_label)


def _report(job: Job, run: ImportRun, errors: Sequence[RowError], states: Counter[str]) -> None:
    JobError.objects.bulk_create(
        [
            JobError(
                job=job, reference=error.reference[:200], line=error.line, field=error.field[:100], message=error.message,
                raw=[list(cells) for cells in error.raw],
            )
            for error in errors
        ],
        batch_size=1000,
    )  # fmt: skip
    job.failed += len(errors)
    ImportRun.objects.filter(pk=run.pk).update(
        created=F("created") + states["created"],
        updated=F("updated") + states["updated"],
        unchanged=F("unchanged") + states["unchanged"],
        refused=F("refused") + len(errors),
    )


@register_job
class ImportProducts(ImportJob):
    name, kind = "import_products", ImportKind.PRODUCTS

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_products(records, now=now)

    def name_of(self, record: Any) -> str:
        return str(record.handle)


@register_job
class ImportLocations(ImportJob):
    name, kind = "import_locations", ImportKind.LOCATIONS

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_locations(records, time_zone=run.dialect["time_zone"])

    def name_of(self, record: Any) -> str:
        return str(record.name)


@register_job
class ImportInventory(ImportJob):
    name, kind = "import_inventory", ImportKind.INVENTORY

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        take = import_stock if run.format == "plain" else import_inventory
        return take(records, cause=f"job:{run.job_id}", actor=actor, now=now)

    def name_of(self, record: Any) -> str:
        return f"{record.sku} · {record.location}"


@register_job
class ImportOrders(ImportJob):
    name, kind = "import_orders", ImportKind.ORDERS

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_orders(
            [new_order(record, channel_id=run.channel_id or 0) for record in records], actor=actor, now=now
        )

    def as_error(self, item: Parsed[Any], outcome: Outcome, portion: Portion) -> RowError:
        named = Outcome(outcome.state, outcome.message, COLUMN_OF.get(outcome.field, outcome.field), outcome.line)
        return super().as_error(item, named, portion)

    def line_of(self, item: Parsed[Any], outcome: Outcome) -> int:
        return item.line_from if outcome.line is None else int(item.record.lines[outcome.line].line)

    def name_of(self, record: Any) -> str:
        return str(record.number)


@register_job
class ImportBundles(ImportJob):
    name, kind = "import_bundles", ImportKind.BUNDLES

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_bundles(records, actor=actor, now=now)

    def line_of(self, item: Parsed[Any], outcome: Outcome) -> int:
        return item.line_from if outcome.line is None else int(item.record.parts[outcome.line].line)

    def name_of(self, record: Any) -> str:
        return str(record.sku)


@register_job
class ImportLots(ImportJob):
    name, kind = "import_lots", ImportKind.LOTS

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_lots(records, cause=f"job:{run.job_id}", actor=actor, now=now)

    def line_of(self, item: Parsed[Any], outcome: Outcome) -> int:
        return item.line_from if outcome.line is None else int(item.record.parts[outcome.line].line)

    def name_of(self, record: Any) -> str:
        return str(record.sku)


@register_job
class ImportSerials(ImportJob):
    name, kind = "import_serials", ImportKind.SERIALS

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_serials(records, cause=f"job:{run.job_id}", actor=actor, now=now)

    def name_of(self, record: Any) -> str:
        return f"{record.sku} · {record.serial}"


@register_job
class ImportPurchases(ImportJob):
    name, kind = "import_purchases", ImportKind.PURCHASES

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_purchases(records, actor=actor, now=now)

    def line_of(self, item: Parsed[Any], outcome: Outcome) -> int:
        return item.line_from if outcome.line is None else int(item.record.parts[outcome.line].line)

    def name_of(self, record: Any) -> str:
        return str(record.number)


@register_job
class ImportCounted(ImportJob):
    name, kind = "import_counts", ImportKind.COUNTS

    def take(self, run: ImportRun, records: Sequence[Any], *, actor: Actor, now: datetime) -> list[Outcome]:
        return import_counted(records, actor=actor, now=now)

    def name_of(self, record: Any) -> str:
        return " · ".join(part for part in (record.count, record.bin, record.sku) if part)
