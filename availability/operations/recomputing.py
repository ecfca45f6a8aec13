"""Have numbers worked out again for a scope: a few SKUs by marks, many by a job with progress."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from availability.models import AvailabilityRule
from availability.operations.marking import mark_pairs
from availability.queries import counted_variants, variants_in
from core.actors import Actor
from core.jobs import start_job
from core.models import Job
from inventory.models import Variant
from orders.models import Channel

#: Name of the job.
RECOMPUTE = "availability"
#: Up to so many SKUs are marked instead of starting a job.
FEW_SKUS = 500

#: scope, target, variant id
ScopeKey = tuple[str, str, int | None]


def scope_key(rule: AvailabilityRule) -> ScopeKey:
    """What the rule speaks of."""
    return rule.scope, rule.target, rule.variant_id


def variants_of(scopes: Sequence[Sequence[object]] | None) -> QuerySet[Variant]:
    """The variants of any of the scopes; None: every variant."""
    if scopes is None:
        return counted_variants()
    ids = [variants_in(str(scope), str(target), pk).order_by().values("pk") for scope, target, pk in scopes]  # type: ignore[arg-type]
    return Variant.objects.filter(pk__in=ids[0].union(*ids[1:]) if len(ids) > 1 else ids[0])


def recompute(
    *, channel: Channel, scopes: Sequence[ScopeKey] | None, actor: Actor, now: datetime, anyway: bool = False, dedupe_key: str | None = None
) -> Job | None:  # fmt: skip
    """Work out the scopes of a channel again (None: all of it). Answers the job, or None where marks were enough.

    anyway: tell the channel of every SKU, not of differences alone; always a job. In the caller's transaction.
    """
    if scopes is not None and not anyway:
        ids = list(variants_of(scopes).order_by("pk").values_list("pk", flat=True)[: FEW_SKUS + 1])
        if len(ids) <= FEW_SKUS:
            mark_pairs([(channel.pk, pk) for pk in ids], now=now, at_once=True)
            return None
    title = _("Send all numbers of {channel}") if anyway else _("Availability of {channel}")
    return start_job(
        kind=RECOMPUTE,
        title=title.format(channel=channel.name),
        params={"channel": channel.pk, "scopes": [list(one) for one in scopes] if scopes is not None else None, "anyway": anyway},
        actor=actor, now=now, dedupe_key=dedupe_key,
    )  # fmt: skip
