"""Notes in which somebody was named: each person sees their own."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.actors import Actor
from core.listing import BulkAction, Empty, ListPage, Sort, Tab, list_view
from core.outcomes import BulkOutcome
from orders.models import Mention
from orders.operations import see_mentions
from orders.queries import UNSEEN
from orders.tables import MentionTable


def seen(targets: QuerySet[Mention], *, actor: Actor, now: datetime) -> BulkOutcome:
    """Mark them as read."""
    ids = list(targets.values_list("pk", flat=True))
    see_mentions(user_id=int(actor.key), mention_ids=ids, now=now)
    return BulkOutcome(done=ids)


class MentionList(ListPage):
    """What colleagues wrote for me."""

    name = "mentions"
    title = _("Mentions")
    permission = "orders.view"
    model = Mention
    table_class = MentionTable
    sorts = {"id": Sort("id", desc=True)}
    default_sort = "id"
    tabs = [Tab("unseen", _("Unread"), UNSEEN), Tab("all", _("All"))]
    bulk_actions = [BulkAction("seen", _("Mark as read"), "orders.view", run=seen, icon="check")]
    empty = Empty(
        _("Nobody has mentioned you yet"), _("A note with @ and your name on an order leads you there from here.")
    )

    def queryset(self, request: HttpRequest) -> QuerySet[Mention]:
        mine = Mention.objects.filter(user_id=request.user.pk).select_related("note__order")
        return mine.defer("note__order__search", "note__order__search_text")


mention_list = list_view(MentionList)
