"""What the address says about a list: tab, search, filters, order, columns, cursor. Only words that the page declares are read.

The address is the whole state: a link to it is a saved view, and Back is Back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.listing.page import ListPage, Sort, Tab
from core.listing.rows import ColumnSpec

MAX_QUERY = 200
_CURSOR_WORDS = frozenset({"after", "before"})
_PASSING_WORDS = frozenset({"export", "panel", "result"})


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force: its name, its value in words, and the address of the list without it."""

    label: str
    value: str
    without: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A word of the address that could not be used, named by its field."""

    label: str
    message: str


class ListState:
    """The state of one list page for one request. `params` is the address as far as the page knows its words."""

    def __init__(self, page: ListPage, request: HttpRequest) -> None:
        self.page = page
        self.request = request
        self.path = request.path
        self.problems: list[Problem] = []
        known = page.filter_names | {"tab", "q", "sort", "cols", *_CURSOR_WORDS}
        self.params: dict[str, list[str]] = {
            key: values
            for key, values in ((key, [v for v in request.GET.getlist(key) if v]) for key in request.GET)
            if key in known and values
        }
        self.tab = self._read_tab()
        self.q = self._read_search()
        self.sort_name, self.sort, self.desc = self._read_sort()
        self.columns = self._read_columns()
        self.panel_open = request.GET.get("panel") == "filters"

    # ---- reading -------------------------------------------------------------------------------------------------

    def _last(self, key: str) -> str:
        return self.params.get(key, [""])[-1]

    def tell(self, label: Any, message: Any) -> None:
        """Note a problem with the address, once."""
        problem = Problem(str(label), str(message))
        if problem not in self.problems:
            self.problems.append(problem)

    def _drop(self, key: str, label: Any, message: Any) -> None:
        self.params.pop(key, None)
        self.tell(label, message)

    def _read_tab(self) -> Tab | None:
        tabs = self.page.tabs
        if not tabs:
            self.params.pop("tab", None)
            return None
        name = self._last("tab")
        if not name or name == tabs[0].name:
            self.params.pop("tab", None)
            return tabs[0]
        for tab in tabs:
            if tab.name == name:
                return tab
        self._drop("tab", _("View"), _("There is no view of that name; all rows are shown."))
        return tabs[0]

    def _read_search(self) -> str:
        text = self._last("q").replace("\x00", "").strip()
        if not text or not self.page.searchable:
            self.params.pop("q", None)
            return ""
        if len(text) > MAX_QUERY:
            text = text[:MAX_QUERY]
            self.tell(_("Search"), _("Only the first {n} characters were searched for.").format(n=MAX_QUERY))
        self.params["q"] = [text]
        return text

    def _read_sort(self) -> tuple[str, Sort, bool]:
        word = self._last("sort")
        name = word.removeprefix("-")
        if word and name not in self.page.sorts:
            self._drop(
                "sort", pgettext("of rows", "Order"), _("The list cannot be sorted by that; its usual order is shown.")
            )
            word = ""
        if not word:
            name = self.page.default_sort
            return name, self.page.sorts[name], self.page.sorts[name].desc
        sort, desc = self.page.sorts[name], word.startswith("-")
        if name == self.page.default_sort and desc == sort.desc:
            self.params.pop("sort")
        return name, sort, desc

    def _read_columns(self) -> list[ColumnSpec]:
        usual = [spec for spec in self.page.columns.values() if spec.visible]
        if "cols" not in self.params:
            return usual
        names = {name for value in self.params["cols"] for name in value.split(",")} | {self.page.lead}
        chosen = [spec for spec in self.page.columns.values() if spec.name in names]
        if chosen == usual or len(chosen) == 1:
            self.params.pop("cols")
            return usual
        self.params["cols"] = [",".join(spec.name for spec in chosen)]
        return chosen

    @property
    def after(self) -> str | None:
        return self._last("after") or None

    @property
    def before(self) -> str | None:
        return self._last("before") or None

    # ---- filtering -----------------------------------------------------------------------------------------------

    @cached_property
    def filtering(self) -> bool:
        """True when a filter is named in the address."""
        return not self.page.filter_names.isdisjoint(self.params)

    @cached_property
    def filterset(self) -> Any:
        """The bound filter set; None when neither a filter is set nor its form is asked for.

        While the form is closed it has only the filters that the address names: building them all costs time.
        """
        if self.page.filter_class is None or not (self.filtering or self.panel_open):
            return None
        return self._bind(self.page.filter_class if self.panel_open else self._named_filters())

    @property
    def filter_form(self) -> Any:
        """The whole form when it is open, or has something wrong to show; else None."""
        if self.filterset is None:
            return None
        if self.panel_open:
            return self.filterset.form
        return self._bind(self.page.filter_class).form if self.filterset.form.errors else None

    def _bind(self, filter_class: Any) -> Any:
        data = QueryDict(mutable=True)
        for key in self.page.filter_names & self.params.keys():
            data.setlist(key, self.params[key])
        return filter_class(data, queryset=self.page.model._default_manager.none(), request=self.request)

    def _named_filters(self) -> Any:
        keys = self.page.filter_keys
        return filters_of(self.page.filter_class, tuple(n for n in keys if not self.params.keys().isdisjoint(keys[n])))

    def matching(self, base: QuerySet) -> QuerySet:
        """The rows of `base` that tab, filters and search leave. A filter with a bad value is left out and named in `problems`."""
        queryset = self.tab.apply(base) if self.tab else base
        if self.filterset is not None:
            form = self.filterset.form
            form.is_valid()
            for name, errors in form.errors.items():
                label = form.fields[name].label if name in form.fields else _("Filters")
                for error in errors:
                    self.tell(label, error)
            for name, value in form.cleaned_data.items():
                queryset = self._narrow(queryset, name, value)
        return self.page.search(queryset, self.q) if self.q else queryset

    @property
    def chosen(self) -> dict[str, Any]:
        """The values of the filters in force."""
        return dict(self.filterset.form.cleaned_data) if self.filterset is not None else {}

    def _narrow(self, queryset: QuerySet, name: str, value: Any) -> QuerySet:
        chosen = self.filterset.filters[name]
        try:
            return chosen.filter(queryset, value)
        except (ValidationError, ValueError, OverflowError, ArithmeticError):
            self.tell(chosen.label, _("This value cannot be used here."))
            return queryset

    @property
    def narrowed(self) -> bool:
        """True when not the whole list is asked for."""
        return bool(self.q or self.filtering or (self.tab and self.page.tabs and self.tab is not self.page.tabs[0]))

    @property
    def exact(self) -> bool:
        """False when a part of the address was left out: then nothing may be done to “all that match”."""
        return not self.problems

    def chips(self) -> list[Chip]:
        """The filters and the search in force, each with the address without it."""
        found = []
        if self.q:
            found.append(Chip(_("Search"), self.q, self.url(without=("q",))))
        if self.filterset is None:
            return found
        form = self.filterset.form
        for name, keys in self.page.filter_keys.items():
            given = [key for key in keys if key in self.params]
            if not given or name in form.errors:
                continue
            field, label, value = form.fields[name], str(form.fields[name].label or name), form.cleaned_data.get(name)
            words = self.params[given[0]]
            if len(words) == 1:
                found.append(Chip(label, _value_in_words(field, value), self.url(without=given)))
                continue
            names = {str(item.pk): str(item) for item in value} if hasattr(value, "model") else {}
            found.extend(
                Chip(label, names.get(word) or _in_words(field, word), self.url(drop=(given[0], word)))
                for word in words
            )
        return found

    # ---- addresses -----------------------------------------------------------------------------------------------

    def pairs(self, *, without: Sequence[str] = (), cursor: bool = False) -> list[tuple[str, str]]:
        """The state as (word, value) pairs, for hidden inputs and addresses; without the cursor unless asked for."""
        leave = set(without) if cursor else {*without, *_CURSOR_WORDS}
        return [(key, value) for key in sorted(self.params) if key not in leave for value in self.params[key]]

    def url(
        self,
        *,
        without: Sequence[str] = (),
        drop: tuple[str, str] | None = None,
        cursor: bool = False,
        **changes: str | None,
    ) -> str:
        """The address of this list with some words changed (None removes one); the first page unless `cursor`."""
        pairs = [pair for pair in self.pairs(without=[*without, *changes], cursor=cursor) if pair != drop]
        pairs += [(key, value) for key, value in changes.items() if value]
        return f"{self.path}?{urlencode(pairs)}" if pairs else self.path

    @property
    def query(self) -> str:
        """The canonical query of this view, without the place in it: what a saved view stores."""
        return urlencode(self.pairs())

    def sort_links(self) -> dict[str, tuple[str, str]]:
        """Sort name → (address of the next click, "ascending", "descending" or "" for now)."""
        links = {}
        for name, sort in self.page.sorts.items():
            current = name == self.sort_name
            desc = not self.desc if current else sort.desc
            now = ("descending" if self.desc else "ascending") if current else ""
            usual = name == self.page.default_sort and desc == sort.desc
            links[name] = (self.url(sort=None if usual else f"{'-' if desc else ''}{name}"), now)
        return links


@lru_cache(maxsize=256)
def filters_of(filter_class: Any, names: tuple[str, ...]) -> Any:
    """A filter set of some filters of another."""
    some = type(filter_class.__name__, (filter_class,), {})
    some.base_filters = {name: filter_class.base_filters[name] for name in names}
    return some


def canonical_query(page: ListPage, query: str) -> str:
    """A query string reduced to the words that the page knows, sorted, without a cursor."""
    known = page.filter_names | {"tab", "q", "sort", "cols"}
    given = QueryDict(query)
    return urlencode([(key, value) for key in sorted(given) if key in known for value in given.getlist(key) if value])


def _in_words(field: Any, value: Any) -> str:
    """A filter value as people know it: the label of a choice, the text of an object, a localised date or number."""
    for key, label in getattr(field, "choices", ()) or ():
        if str(key) == str(value):
            return str(label)
    return str(localize(value))


def _value_in_words(field: Any, value: Any) -> str:
    if isinstance(value, slice):
        return f"{'' if value.start is None else localize(value.start)} – {'' if value.stop is None else localize(value.stop)}".strip()
    if hasattr(value, "model"):
        return ", ".join(str(item) for item in value)
    if isinstance(value, (list, tuple, set)):
        return ", ".join(_in_words(field, item) for item in value)
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    return str(value) if hasattr(value, "pk") else _in_words(field, value)
