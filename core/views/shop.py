"""The shop's settings and API tokens, for the owner."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.actors import Actor
from core.forms import ShopForm, add_refusal
from core.models import ApiToken
from core.permissions import require
from core.refusals import Refusal
from core.shop import SUBJECT, revoke_token, save_shop, shop
from core.timeline import entries_for
from core.timeline_text import lines_for


@require("settings.edit")
@require_http_methods(["GET", "POST"])
def settings_page(request: HttpRequest) -> HttpResponse:
    """Name, money, days, returns and logo; the tokens of programs; who changed what."""
    found = shop()
    form = ShopForm(request.POST or None, request.FILES or None, instance=found)
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        upload, drop = values.pop("logo_file"), values.pop("drop_logo")
        try:
            save_shop(
                values=values,
                logo=upload.read() if upload else None,
                drop_logo=drop,
                actor=Actor.user(request.user),
                now=timezone.now(),
            )
        except Refusal as refusal:
            add_refusal(form, refusal)
        else:
            messages.success(request, _("Saved."))
            return redirect("settings")
    context = {
        "form": form,
        "tokens": ApiToken.objects.order_by("revoked_at", "name"),
        "entries": lines_for(entries_for(SUBJECT, limit=30)),
    }
    return render(request, "core/settings.html", context, status=422 if form.errors else 200)


@require("settings.edit")
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch a token off."""
    token = revoke_token(token_id=pk, actor=Actor.user(request.user), now=timezone.now())
    messages.success(request, _("{name} may not call the API any more.").format(name=token.name))
    return redirect("settings")
