"""Names of those who counted."""

from __future__ import annotations

from collections.abc import Iterable

from core.models import ApiToken, User


def names_of(references: Iterable[str]) -> dict[str, str]:
    """Stored actor ("user:12") → a name for people. At most two statements."""
    ids: dict[str, list[int]] = {"user": [], "token": []}
    names = {}
    for reference in references:
        kind, _colon, key = reference.partition(":")
        names[reference] = key or reference
        if kind in ids and key.isdigit():
            ids[kind].append(int(key))
    if ids["user"]:
        people = User.objects.filter(pk__in=ids["user"])
        names |= {f"user:{one.pk}": one.get_full_name() or one.get_username() for one in people}
    if ids["token"]:
        tokens = ApiToken.objects.filter(pk__in=ids["token"]).values_list("pk", "name")
        names |= {f"token:{pk}": name for pk, name in tokens}
    return names
