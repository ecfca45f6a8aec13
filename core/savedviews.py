"""Saved views: a list's query under a name, for one person or for everybody."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from core.models import SavedView, User
from core.permissions import require_permission
from core.refusals import Invalid, NotFound

SHARE = "views.share"
#: Written out, because every list asks it and compiling it costs more than answering it.
_VIEWS_FOR = """
    SELECT id, user_id, list_name, name, query, position, created_at FROM core_savedview
     WHERE (user_id = %s OR user_id IS NULL) AND list_name = %s ORDER BY position, name, id
"""


def views_for(user: User, list_name: str) -> list[SavedView]:
    """The person's own views of a list and the shared ones, in their order. One query."""
    return list(SavedView.objects.raw(_VIEWS_FOR, [user.pk, list_name]))


def save_view(*, user: User, list_name: str, name: str, query: str, shared: bool) -> SavedView:
    """Keep a query under a name; a view of the same name and owner is replaced. Sharing needs the permission `views.share`."""
    name = name.replace("\x00", "").strip()
    if not name:
        raise Invalid("name_missing", _("Give the view a name."), field="name")
    if len(name) > 60:
        raise Invalid("name_too_long", _("A view's name has 60 characters at most."), field="name")
    if shared:
        require_permission(user, SHARE)
    with transaction.atomic():
        view, _created = SavedView.objects.update_or_create(
            user=None if shared else user, list_name=list_name, name=name, defaults={"query": query}
        )
    return view


def delete_view(*, user: User, list_name: str, view_id: int) -> SavedView:
    """Remove a view of one's own, or a shared one when one may share. Raises NotFound for any other."""
    view = SavedView.objects.filter(Q(user=user) | Q(user__isnull=True), pk=view_id, list_name=list_name).first()
    if view is None:
        raise NotFound("no_such_view", _("There is no such view."))
    if view.user_id is None:
        require_permission(user, SHARE)
    view.delete()
    return view
