"""People with a login: who they are, their role, and the history of both."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.models import User
from core.permissions import Role
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record

_FIELDS = ("first_name", "last_name", "email", "role", "is_active")


def subject_of(user: User) -> str:
    """Key of a person in the timeline."""
    return f"user:{user.pk}"


def add_person(
    *,
    username: str,
    password: str,
    role: str,
    first_name: str = "",
    last_name: str = "",
    email: str = "",
    actor: Actor,
    now: datetime,
) -> User:
    """Give a person a login. Refuses a user name that is taken (field `username`)."""
    user = User(
        username=username,
        role=role,
        first_name=first_name,
        last_name=last_name,
        email=email,
        password=make_password(password),
        date_joined=now,
    )
    try:
        with transaction.atomic():
            user.save(force_insert=True)
            record(subject_of(user), "user.added", actor=actor, at=now, username=username, role=role)
    except IntegrityError:
        raise Invalid("username_taken", _("This user name is taken."), field="username") from None
    return user


def change_person(*, user_id: int, changes: dict[str, Any], password: str = "", actor: Actor, now: datetime) -> User:
    """Change name, e-mail, role, access or password of a person; every difference goes into their history.

    changes: any of first_name, last_name, email, role, is_active. Refuses to leave the shop without an active owner.
    """
    with transaction.atomic():
        owners = list(User.objects.select_for_update().filter(role=Role.OWNER, is_active=True).order_by("pk"))
        user = User.objects.select_for_update().filter(pk=user_id).first()
        if user is None:
            raise NotFound("no_such_person", _("There is no such person."))
        before = {name: getattr(user, name) for name in _FIELDS}
        for name, value in changes.items():
            if name not in _FIELDS:
                raise LookupError(f"{name!r} of a person cannot be changed here")
            setattr(user, name, value)
        if [owner.pk for owner in owners] == [user.pk] and not (user.is_active and user.role == Role.OWNER):
            raise Refusal("last_owner", _("They are the only owner. Make somebody else an owner first."), field="role")
        if password:
            user.password = make_password(password)
        user.save(update_fields=[*_FIELDS, "password"])
        differences = {
            name: [before[name], getattr(user, name)] for name in _FIELDS if before[name] != getattr(user, name)
        }
        _record_change(user, differences, password_set=bool(password), actor=actor, now=now)
    return user


def _record_change(
    user: User, differences: dict[str, list[Any]], *, password_set: bool, actor: Actor, now: datetime
) -> None:
    if role := differences.pop("role", None):
        record(subject_of(user), "user.role_changed", actor=actor, at=now, before=role[0], after=role[1])
    if differences:
        record(subject_of(user), "user.changed", actor=actor, at=now, changes=differences)
    if password_set:
        record(subject_of(user), "user.password_set", actor=actor, at=now)


def change_preferences(*, user_id: int, language: str, time_zone: str) -> None:
    """Save a person's language ("" for the browser's) and time zone."""
    User.objects.filter(pk=user_id).update(language=language, time_zone=time_zone)
