"""A draft goes to its customer: as an e-mail with the link and the paper, or marked as sent where somebody passes the link on."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from core.actors import Actor
from core.outbox import publish
from core.refusals import Invalid
from drafts.events import DraftSent
from drafts.models import DraftOrder
from drafts.operations.locking import check_address, lock_draft, record, write_draft


def send_draft(
    *, draft_id: int, mail: bool = True, actor: Actor, now: datetime, version: int | None = None
) -> DraftOrder:
    """From now on its customer may accept it by the link; with `mail` the link and the paper go out by e-mail. May be sent again.

    Raises Invalid (field `email`), Stale, Refusal `wrong_state`.
    """
    with transaction.atomic():
        locked = lock_draft(draft_id, version=version)
        draft = locked.draft
        state = locked.check("send")
        check_address(draft, locked.lines)
        if mail:
            _check_address(draft.email)
        write_draft(locked, now=now, state=state, sent_at=now, sent_version=draft.version + 1)
        record(draft, "draft.sent" if mail else "draft.marked_sent", actor=actor, now=now, to=draft.email)
        if mail:
            publish(DraftSent(draft.pk, draft.version), actor=actor)
        return draft


def _check_address(email: str) -> None:
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid("no_email", _("Give the customer's e-mail address."), field="email") from None
