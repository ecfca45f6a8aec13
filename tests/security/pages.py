"""What a browser sees in a page: its forms with their fields as they would be sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class PageForm:
    """A form of a page; `fields` as a browser sends them when nothing is touched."""

    action: str
    method: str
    fields: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def add(self, name: str, value: str) -> None:
        if name in self.fields:
            known = self.fields[name]
            self.fields[name] = [*known, value] if isinstance(known, list) else [known, value]
        else:
            self.fields[name] = value


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.elsewhere: dict[str, PageForm] = {}
        self._open: PageForm | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._by_id: dict[str, PageForm] = {}

    def _form_of(self, given: dict[str, str | None]) -> PageForm | None:
        return self._by_id.get(given["form"] or "") if given.get("form") else self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._open = PageForm(given.get("action") or "", (given.get("method") or "get").lower())
            self.forms.append(self._open)
            if given.get("id"):
                self._by_id[str(given["id"])] = self._open
        elif tag == "input" and given.get("name"):
            self._input(given)
        elif tag == "select" and given.get("name"):
            self._select = (str(given["name"]), [])
        elif tag == "option" and self._select:
            self._select[1].append((given.get("value") or "", "selected" in given))
        elif tag == "textarea" and given.get("name"):
            self._area = (str(given["name"]), [])

    def _input(self, given: dict[str, str | None]) -> None:
        form, kind = self._form_of(given), given.get("type") or "text"
        if form is None or kind in ("submit", "button", "image", "reset"):
            return
        if kind == "file":
            form.files.append(str(given["name"]))
        elif kind not in ("checkbox", "radio") or "checked" in given:
            form.add(str(given["name"]), given.get("value") or ("on" if kind == "checkbox" else ""))

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area[1].append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        elif tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, selected in options if selected] or [value for value, _ in options[:1]]
            if self._open is not None and chosen:
                self._open.add(name, chosen[0])
            self._select = None
        elif tag == "textarea" and self._area:
            if self._open is not None:
                self._open.add(self._area[0], "".join(self._area[1]).removeprefix("\n"))
            self._area = None


def forms_of(html: str) -> list[PageForm]:
    """Every form of a page."""
    parser = _Forms()
    parser.feed(html)
    return parser.forms


def form_with(html: str, name: str) -> PageForm:
    """The posting form that has a field of this name; AssertionError when the page has none."""
    for form in forms_of(html):
        if form.method == "post" and name in form.fields:
            form.fields.pop("csrfmiddlewaretoken", None)
            return form
    raise AssertionError(f"no form with a field {name!r}")
