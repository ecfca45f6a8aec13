"""The declaration of a list page: what one app says about its list; everything else is the list machine's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import django_tables2 as tables
from django import forms
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Field, Model, Q, QuerySet
from django.http import HttpRequest

from core.listing.keyset import Keyset
from core.listing.rows import ColumnSpec, specs_of
from core.outcomes import BulkOutcome
from core.permissions import MATRIX

#: Words of the address that belong to the machine; a filter may not take them.
RESERVED = frozenset({"tab", "q", "sort", "cols", "after", "before", "export", "panel", "result", "view"})


@dataclass(frozen=True)
class Sort:
    """An allowed ordering: columns that are never NULL, all in one direction; `id` is added to make it total.

    desc: the direction of the first click and of the default.
    """

    fields: tuple[str, ...]
    desc: bool

    def __init__(self, *fields: str, desc: bool = False) -> None:
        if not fields:
            raise ImproperlyConfigured("Sort needs a field")
        total = fields if fields[-1] in {"id", "pk"} else (*fields, "id")
        object.__setattr__(self, "fields", total)
        object.__setattr__(self, "desc", desc)

    def keyset(self, *, desc: bool) -> Keyset:
        return Keyset(self.fields, desc=desc)


@dataclass(frozen=True)
class Tab:
    """A fixed view of the list. condition: a Q, or a callable queryset → queryset; None is everything."""

    name: str
    label: Any
    condition: Q | Callable[[QuerySet], QuerySet] | None = None
    counted: bool = True
    fixed: bool = False  # a callable that always makes the same condition (one that looks at the clock does not)

    def apply(self, queryset: QuerySet) -> QuerySet:
        if self.condition is None:
            return queryset
        return queryset.filter(self.condition) if isinstance(self.condition, Q) else self.condition(queryset)

    @property
    def always_the_same(self) -> bool:
        """True when the tab's SQL depends on nothing."""
        return self.fixed or self.condition is None or isinstance(self.condition, Q)


@dataclass(frozen=True)
class BulkAction:
    """Something that can be done to many rows at once.

    run(targets, *, actor, now, **fields) → BulkOutcome; `targets` is a queryset already scoped to what the person may see.
    confirm: a question asked first. form_class: what must be known first; its cleaned values become `fields`.
    limit: the most rows it takes at once; work that needs longer hands itself to a job.
    """

    name: str
    label: Any
    permission: str
    run: Callable[..., BulkOutcome]
    confirm: Any = ""
    form_class: type[forms.Form] | None = None
    icon: str = ""
    danger: bool = False
    limit: int = 1000

    @property
    def asks_first(self) -> bool:
        return bool(self.confirm) or self.form_class is not None


@dataclass(frozen=True)
class PageAction:
    """A link at the head of the page."""

    label: Any
    url_name: str
    permission: str
    primary: bool = False
    icon: str = ""


@dataclass(frozen=True)
class Empty:
    """What is said while the list has nothing at all, and the way on."""

    title: Any
    text: Any = ""
    action_label: Any = ""
    action_url_name: str = ""


class ListPage:
    """Base of every list page. A subclass is a declaration; `core.listing.list_view` makes the view of it."""

    name: ClassVar[str]
    title: ClassVar[Any]
    permission: ClassVar[str]
    model: ClassVar[type[Model]]
    table_class: ClassVar[type[tables.Table]]
    filter_class: ClassVar[Any] = None
    sorts: ClassVar[Mapping[str, Sort]]
    default_sort: ClassVar[str]
    tabs: ClassVar[Sequence[Tab]] = ()
    bulk_actions: ClassVar[Sequence[BulkAction]] = ()
    page_actions: ClassVar[Sequence[PageAction]] = ()
    empty: ClassVar[Empty | None] = None
    search_placeholder: ClassVar[Any] = ""
    lead_column: ClassVar[str] = ""
    export_permission: ClassVar[str | None] = None
    page_size: ClassVar[int] = 50
    #: `queryset` answers the same for every person and moment: then the counts of its tabs are compiled once.
    same_for_everybody: ClassVar[bool] = False
    template_name: ClassVar[str] = "listing/page.html"

    def queryset(self, request: HttpRequest) -> QuerySet:
        """The rows this person may see, with what the columns read. It guards the rows, the bulk actions and the export."""
        return self.model._default_manager.all()

    def search(self, queryset: QuerySet, q: str) -> QuerySet:
        """The rows that match the search text. A page without a search leaves this method alone."""
        raise LookupError(f"{self.name} has no search")

    def complete(self, rows: Sequence[Any], chosen: Mapping[str, Any]) -> None:
        """Work out what the columns want besides what `queryset` read, for the rows that are shown or exported; `chosen`: the filters' values."""

    def context(self, request: HttpRequest) -> dict[str, Any]:
        """What the page's own template wants besides."""
        return {}

    @cached_property
    def searchable(self) -> bool:
        return type(self).search is not ListPage.search

    @cached_property
    def columns(self) -> dict[str, ColumnSpec]:
        return specs_of(self.table_class)

    @cached_property
    def lead(self) -> str:
        """The column that names a row: the declared one, or the first."""
        return self.lead_column or next(iter(self.columns))

    @cached_property
    def filter_names(self) -> frozenset[str]:
        """Every word that the filters read from the address (a range filter reads two)."""
        if self.filter_class is None:
            return frozenset()
        return frozenset(key for keys in self.filter_keys.values() for key in keys)

    @cached_property
    def filter_keys(self) -> dict[str, tuple[str, ...]]:
        """Filter name → the words of the address that it reads."""
        keys: dict[str, tuple[str, ...]] = {}
        for name, declared in (self.filter_class.base_filters if self.filter_class else {}).items():
            widget = declared.field.widget
            suffixes = getattr(widget, "suffixes", None)  # django-filter's range widgets
            if suffixes:
                keys[name] = tuple(f"{name}_{suffix}" for suffix in suffixes)
            else:
                keys[name] = tuple(name + part for part in getattr(widget, "widgets_names", [""]))
        return keys

    def check(self) -> None:
        """Raise ImproperlyConfigured for a declaration that could only fail later, before a user."""
        for permission in {self.permission, *(action.permission for action in self.bulk_actions)}:
            if permission not in MATRIX:
                raise ImproperlyConfigured(f"{self.name}: unknown permission {permission!r}")
        if self.default_sort not in self.sorts:
            raise ImproperlyConfigured(f"{self.name}: default_sort {self.default_sort!r} is not among its sorts")
        clash = self.filter_names & RESERVED
        if clash:
            raise ImproperlyConfigured(f"{self.name}: filters may not be named {sorted(clash)}")
        for sort in self.sorts.values():
            for path in sort.fields:
                _refuse_nullable(self.name, self.model, path)


def _refuse_nullable(page: str, model: type[Model], path: str) -> None:
    """NULL has no place in a row comparison: rows would vanish from the pages. Annotations are the author's own care."""
    current: Any = model
    for step in path.split("__"):
        try:
            field = current._meta.pk if step == "pk" else current._meta.get_field(step)
        except FieldDoesNotExist:
            return
        if isinstance(field, Field) and field.null:
            raise ImproperlyConfigured(f"{page}: sort column {path!r} may be NULL; sort by a column that may not")
        current = field.related_model if field.is_relation else current
