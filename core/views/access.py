"""Signing in and out, and a person's own settings."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth import views as auth_views
from django.contrib.auth.forms import PasswordChangeForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.forms import PreferencesForm, SignInForm
from core.people import change_preferences
from core.permissions import public, require

THEME_COOKIE_AGE = 365 * 24 * 3600

#: Failed attempts are counted and locked out by django-axes (settings.AXES_*).
login = public(
    auth_views.LoginView.as_view(
        template_name="core/login.html", authentication_form=SignInForm, redirect_authenticated_user=True
    )
)
logout = public(auth_views.LogoutView.as_view())


@require("home.view")
@require_http_methods(["GET", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """Language, time zone and theme of the person who is signed in."""
    initial = {"theme": request.COOKIES.get("theme", "auto")}
    form = PreferencesForm(request.POST or None, instance=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        chosen = form.cleaned_data
        change_preferences(user_id=request.user.pk, language=chosen["language"], time_zone=chosen["time_zone"])
        messages.success(request, _("Your settings are saved."))
        response = redirect("preferences")
        # The saved language is to hold in every browser: forget what was switched in this one.
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        response.set_cookie(
            "theme", chosen["theme"], max_age=THEME_COOKIE_AGE, samesite="Lax", secure=request.is_secure()
        )
        return response
    return render(request, "core/preferences.html", {"form": form}, status=422 if form.errors else 200)


@require("home.view")
@require_http_methods(["GET", "POST"])
def change_password(request: HttpRequest) -> HttpResponse:
    """A new password for oneself; other sessions end, this one stays."""
    form = PasswordChangeForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        update_session_auth_hash(request, form.save())
        messages.success(request, _("Your password is changed. Other browsers are signed out."))
        return redirect("preferences")
    return render(request, "core/password.html", {"form": form}, status=422 if form.errors else 200)
