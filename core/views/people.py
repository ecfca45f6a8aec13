"""The people with a login, for the owner."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from core.actors import Actor
from core.forms import PersonForm, add_refusal
from core.models import User
from core.people import add_person, change_person, subject_of
from core.permissions import MATRIX, Role, require
from core.refusals import Refusal
from core.timeline import entries_for
from core.timeline_text import lines_for


@require("users.view")
@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """Everybody with a login; a shop has tens of them, so there is one page."""
    rows = User.objects.order_by("-is_active", "username")
    roles = [
        (role.label, sorted(permission for permission, holders in MATRIX.items() if role in holders)) for role in Role
    ]
    return render(request, "core/people.html", {"people": rows, "roles": roles})


@require("users.edit")
@require_http_methods(["GET", "POST"])
def person_new(request: HttpRequest) -> HttpResponse:
    """Give somebody a login."""
    form = PersonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            user = add_person(**form.cleaned_data, actor=Actor.user(request.user), now=timezone.now())
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("{name} may sign in now.").format(name=user.username))
            return redirect("user", pk=user.pk)
    return render(request, "core/person.html", {"form": form, "person": None}, status=422 if form.errors else 200)


@require("users.edit")
@require_http_methods(["GET", "POST"])
def person(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a person's name, role, access or password; below it their history."""
    found = get_object_or_404(User, pk=pk)
    form = PersonForm(request.POST or None, instance=found)
    if request.method == "POST" and form.is_valid():
        changes = dict(form.cleaned_data)
        password = changes.pop("password")
        changes.pop("username")
        try:
            change_person(
                user_id=pk, changes=changes, password=password, actor=Actor.user(request.user), now=timezone.now()
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("user", pk=pk)
    context = {"form": form, "person": found, "entries": lines_for(entries_for(subject_of(found)))}
    return render(request, "core/person.html", context, status=422 if form.errors else 200)
