"""Bulk actions of a list: which rows are meant, may it be done, ask first if it must, do it, tell row by row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from core.actors import Actor
from core.listing.counting import Count, count_capped
from core.listing.page import BulkAction, ListPage
from core.listing.state import ListState
from core.outcomes import BulkOutcome
from core.permissions import require_permission
from core.refusals import Invalid, NotFound, Refusal

#: More refusals than this are counted, not listed.
SHOWN_REFUSALS = 200


@dataclass(frozen=True, slots=True)
class Targets:
    """The rows an action is meant for, and how many they are."""

    queryset: QuerySet
    count: Count
    ids: Sequence[str]
    all_matching: bool
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """What a bulk action did, for people."""

    label: str
    done: int
    refused: list[tuple[str, str]] = field(default_factory=list)
    refused_count: int = 0
    failed: str = ""
    job: Any | None = None
    next_url: str = ""
    undo_url: str = ""

    @property
    def clean(self) -> bool:
        return not self.refused_count and not self.failed


def offered(page: ListPage, user: Any) -> list[BulkAction]:
    """The actions that this person's role includes."""
    return [action for action in page.bulk_actions if user.can(action.permission)]


def find_action(page: ListPage, request: HttpRequest) -> BulkAction:
    """The action that was asked for. Raises NotFound for an unknown one, NotAllowed when the role does not include it."""
    name = request.POST.get("action", "")
    for action in page.bulk_actions:
        if action.name == name:
            require_permission(request.user, action.permission)
            return action
    raise NotFound("no_such_action", _("There is no such action."))


def find_targets(page: ListPage, state: ListState, request: HttpRequest, action: BulkAction) -> Targets:
    """The rows meant: those ticked, or all that the address matches. Rows the person may not see are never among them.

    Raises Invalid when nothing is chosen, too much is chosen, or the address was only understood in part.
    """
    base = page.queryset(request)
    if request.POST.get("all_matching"):
        queryset = state.matching(base)
        if not state.exact:
            raise Invalid(
                "filters_unclear",
                _("A filter could not be used, so “all that match” is unclear. Mend the filter first."),
            )
        ids: list[str] = []
        count = count_capped(queryset, cap=action.limit)
        missing = 0
    else:
        ids = list(dict.fromkeys(request.POST.getlist("id")))[: action.limit + 1]
        keys = _valid_keys(page, ids)
        queryset = base.filter(pk__in=keys)
        count = count_capped(queryset, cap=action.limit)
        missing = len(ids) - count.value if not count.capped else 0
    if not count:
        raise Invalid("nothing_selected", _("Select at least one row first."), field="id")
    if count.capped:
        raise Invalid(
            "too_many",
            _("“{action}” takes {limit} rows at once; narrow the list with a filter.").format(
                action=action.label, limit=action.limit
            ),
        )
    return Targets(state.sort.keyset(desc=state.desc).order(queryset), count, ids, not ids, missing)


def _valid_keys(page: ListPage, ids: Sequence[str]) -> list[Any]:
    to_python = page.model._meta.pk.to_python
    keys = []
    for value in ids:
        try:
            keys.append(to_python(value[:64]))
        except ValidationError:
            continue
    return keys


def run(action: BulkAction, targets: Targets, form: forms.Form | None, *, actor: Actor, now: datetime) -> Report:
    """Do it. A refusal of the whole act is reported like one of a single row: nothing was done, and why."""
    fields = form.cleaned_data if form is not None else {}
    try:
        outcome: BulkOutcome = action.run(targets.queryset, actor=actor, now=now, **fields)
    except Refusal as refusal:
        return Report(str(action.label), 0, failed=refusal.message)
    refused = list(outcome.refused)
    if targets.missing:
        refused.append(
            (
                ngettext("{n} row", "{n} rows", targets.missing).format(n=targets.missing),
                _("no longer there, or not yours to see"),
            )
        )
    return Report(
        str(action.label),
        len(outcome.done),
        refused[:SHOWN_REFUSALS],
        len(refused),
        job=outcome.job,
        next_url=outcome.next_url,
        undo_url=outcome.undo_url,
    )
