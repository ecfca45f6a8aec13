"""Pages for the warehouse floor: what a scan is answered with, over htmx at once or after a redirect where there is no JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

_TAG = "scan"


@dataclass(slots=True)
class Answer:
    """What a scan or a press is answered with. beep: right, wrong or done."""

    beep: str
    text: str

    @property
    def tone(self) -> str:
        return "wrong" if self.beep == "wrong" else "right"


class FormRefused(Exception):
    """A form of a floor page was refused: the page is shown again with it. forms: by the names under which the page takes them."""

    def __init__(self, answer: Answer, **forms: Any) -> None:
        self.answer = answer
        self.forms = forms


def first_error(form: BaseForm) -> Answer:
    """A refused form as an answer: its first error."""
    return Answer("wrong", str(next(iter(form.errors.values()))[0]))


def keep(request: HttpRequest, answer: Answer) -> None:
    """Keep the answer over the redirect that follows."""
    level = messages.ERROR if answer.beep == "wrong" else messages.SUCCESS
    messages.add_message(request, level, answer.text, extra_tags=f"{_TAG} {answer.beep}")


def told(request: HttpRequest) -> Answer | None:
    """The answer that was kept, once; any other message is told the same way."""
    answer = None
    for message in messages.get_messages(request):
        words = message.tags.split()
        beep = next(
            (word for word in ("done", "right") if word in words),
            "wrong" if message.level > messages.SUCCESS else "right",
        )
        answer = Answer(beep, str(message))
    return answer


def go(request: HttpRequest, url: str) -> HttpResponse:
    """Lead on to another page, by a redirect that htmx follows as a whole page."""
    if not request.htmx:
        return HttpResponseRedirect(url)
    response = HttpResponse(status=204)
    response["HX-Redirect"] = url
    return response
