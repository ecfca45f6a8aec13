"""Take over what the forecast says a reorder point and an order-up-to level should be."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outcomes import BulkOutcome
from forecasting.queries import reorder_basis
from inventory.models import ReorderPolicy
from replenishment.operations.evaluating import Subject
from replenishment.operations.policies import PolicyWish, labels_of, set_policies


def apply_forecast(
    subjects: Iterable[Subject], *, over_manual: bool = False, actor: Actor, now: datetime
) -> BulkOutcome:
    """Set the policies of these subjects to what the newest forecast says; source is then “forecast”.

    A policy that a person set stays (refused, with the reason) unless `over_manual`: then a person has accepted the forecast's figures.
    Subjects without a forecast are refused.
    """
    wanted = list(dict.fromkeys(subjects))
    with transaction.atomic():
        basis = reorder_basis(wanted)
        wishes = [
            PolicyWish(subject[0], subject[1], one.reorder_point, one.order_up_to)
            for subject in wanted
            if (one := basis.get(subject))
        ]
        outcome = set_policies(
            wishes=wishes, source=ReorderPolicy.Source.FORECAST, over_manual=over_manual, actor=actor, now=now
        )
    without = [subject for subject in wanted if subject not in basis]
    labels = labels_of(without)
    for subject in without:
        outcome.refuse(labels[subject], _("There is no forecast of it."))
    return outcome
