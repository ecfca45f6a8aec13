"""Draws the rows of a list page straight from the column declarations of a django-tables2 Table.

The table is built once per page class; for each request only the chosen columns and the fetched records are walked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape, unescape
from typing import Any

import django_tables2 as tables
from django.utils.html import conditional_escape, format_html, strip_tags
from django.utils.safestring import SafeString

from core.listing.columns import LinkColumn, ListColumn


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column as the list machine uses it."""

    name: str
    column: tables.Column
    visible: bool
    css: str
    label_on_phone: bool
    is_number: bool
    cell: Callable[[Any], Any]
    export: Callable[[Any], Any]

    @property
    def label(self) -> str:
        return str(self.column.header or self.name.replace("_", " ").capitalize())

    def prepare(self) -> None:
        if isinstance(self.column, ListColumn):
            self.column.prepare()


def specs_of(table_class: type[tables.Table]) -> dict[str, ColumnSpec]:
    """Every column of the table class by name, in its declared order."""
    table = table_class([])
    return {name: _spec(table, name) for name in table.columns.names() if name not in table.exclude}


def _spec(table: tables.Table, name: str) -> ColumnSpec:
    bound = table.columns[name]
    column = bound.column
    own = isinstance(column, ListColumn)
    if own:
        column.bind(name)
    drawn = getattr(table, f"render_{name}", None)
    plain = getattr(table, f"value_{name}", None)
    cell = _escaping(_caller(drawn, bound)) if drawn else column.cell if own else _escaping(_foreign_cell(bound))
    if plain is not None:
        export = _caller(plain, bound)
    elif drawn is None and own:
        export = column.export
    else:
        export = _text_of(cell)
    css = " ".join(filter(None, (getattr(column, "css", ""), "soft" if getattr(column, "soft", False) else "")))
    return ColumnSpec(
        name,
        column,
        column.visible,
        css,
        getattr(column, "label_on_phone", False),
        getattr(column, "is_number", False),
        cell,
        export,
    )


def _caller(method: Callable[..., Any], bound: Any) -> Callable[[Any], Any]:
    """Call a table's `render_x` or `value_x` with those of `record` and `value` that it asks for."""
    wanted = inspect.signature(method).parameters
    unknown = set(wanted) - {"record", "value"}
    if unknown:
        raise TypeError(f"{method.__qualname__} may take record and value, not {sorted(unknown)}")
    if "value" not in wanted:
        return lambda record: method(record=record)
    read = bound.column.value_of if isinstance(bound.column, ListColumn) else bound.accessor.resolve
    if "record" not in wanted:
        return lambda record: method(value=read(record))
    return lambda record: method(record=record, value=read(record))


def _foreign_cell(bound: Any) -> Callable[[Any], Any]:
    """A column type of the library itself: its own rendering of the resolved value."""

    def cell(record: Any) -> Any:
        value = bound.accessor.resolve(record)
        return "" if value is None else bound.column.render(value=value)

    return cell


def _escaping(cell: Callable[[Any], Any]) -> Callable[[Any], str]:
    """Cells that are not drawn by a ListColumn are escaped unless they say that they are HTML already."""
    return lambda record: conditional_escape(cell(record))


def _text_of(cell: Callable[[Any], Any]) -> Callable[[Any], str]:
    return lambda record: unescape(strip_tags(str(cell(record) or "")))


def draw_body(
    specs: Sequence[ColumnSpec],
    records: Iterable[Any],
    *,
    pick_label: str | None,
    lead: str,
) -> SafeString:
    """The `<tr>` elements of the page.

    pick_label: accessible name of the selection box before the row's own name, None when nothing can be selected.
    lead: name of the column that names the row. Every value is escaped by its column; here only markup is put around it.
    """
    plan = [(_open_cell(spec, lead=spec.name == lead), spec.cell) for spec in specs]
    namer = next((spec for spec in specs if spec.name == lead), None)
    href = namer.column.href if namer is not None and isinstance(namer.column, LinkColumn) else None
    parts: list[str] = []
    add = parts.append
    for spec in specs:
        spec.prepare()
    for record in records:
        add(f'<tr data-href="{href(record)}">' if href else "<tr>")
        if pick_label is not None:
            key = escape(str(record.pk))
            name = escape(f"{pick_label} {namer.export(record)}") if namer else key
            add(
                f'<td class="pick"><label><input type="checkbox" name="id" value="{key}" aria-label="{name}"></label></td>'
            )
        for opening, cell in plan:
            add(opening)
            add(cell(record))
            add("</td>")
        add("</tr>")
    # Safe because every part above is a literal or finished HTML: cells keep the contract of ListColumn.cell.
    return SafeString("".join(parts))


def _open_cell(spec: ColumnSpec, *, lead: bool) -> str:
    css = " ".join(filter(None, (spec.css, "lead" if lead else "")))
    attributes = format_html(' class="{}"', css) if css else ""
    if spec.label_on_phone:
        attributes += format_html(' data-label="{}"', spec.label)
    return f"<td{attributes}>"
