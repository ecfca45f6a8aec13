"""The merchant's own settings: one row, changed by the owner, with a history."""

from __future__ import annotations

import io
import zoneinfo
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

from core.actors import Actor
from core.files import store_file
from core.models import ApiToken, Shop, StoredFile
from core.refusals import Invalid, NotFound
from core.timeline import record

SUBJECT = "shop:1"
LOGO_BYTES = 500_000
LOGO_PIXELS = 4_000_000
_LOGO_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}


def shop() -> Shop:
    """The shop's settings; defaults until somebody saves them."""
    return Shop.objects.select_related("logo").first() or Shop(name="")


def save_shop(*, values: dict[str, Any], logo: bytes | None, drop_logo: bool, actor: Actor, now: datetime) -> Shop:
    """Save the settings. logo: a new PNG or JPEG picture. Raises Invalid naming the field."""
    if values["time_zone"] not in zoneinfo.available_timezones():
        raise Invalid("bad_time_zone", _("There is no such time zone."), field="time_zone")
    picture = check_logo(logo) if logo else None
    with transaction.atomic():
        found = Shop.objects.select_for_update().first() or Shop(name="")
        changed = {
            name: [str(getattr(found, name)), str(value)]
            for name, value in values.items()
            if getattr(found, name) != value
        }
        for name, value in values.items():
            setattr(found, name, value)
        old_logo = found.logo_id
        if picture or drop_logo:
            found.logo = store_file(name="logo", content_type=picture[0], data=picture[1]) if picture else None
            changed["logo"] = ["", "new" if picture else "none"]
        found.save()
        if old_logo and found.logo_id != old_logo:
            StoredFile.objects.filter(pk=old_logo).delete()
        if changed:
            record(SUBJECT, "shop.changed", actor=actor, at=now, changes=changed)
        return found


def check_logo(data: bytes) -> tuple[str, bytes]:
    """(content type, bytes) of a picture, drawn anew so that nothing but the picture is kept. Raises Invalid (field ``logo_file``)."""
    if len(data) > LOGO_BYTES:
        raise Invalid("logo_too_large", _("A logo has at most 500 kB."), field="logo_file")
    try:
        with Image.open(io.BytesIO(data), formats=tuple(_LOGO_TYPES)) as picture:
            if picture.width * picture.height > LOGO_PIXELS:
                raise Invalid("logo_too_large", _("A logo has at most four million pixels."), field="logo_file")
            kind = str(picture.format)
            clean = io.BytesIO()
            picture.convert("RGB" if kind == "JPEG" else "RGBA").save(clean, format=kind)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        raise Invalid("bad_logo", _("This is not a PNG or JPEG picture."), field="logo_file") from None
    return _LOGO_TYPES[kind], clean.getvalue()


def revoke_token(*, token_id: int, actor: Actor, now: datetime) -> ApiToken:
    """Switch an API token off for good; a second time changes nothing."""
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(pk=token_id).first()
        if token is None:
            raise NotFound("no_such_token", _("There is no such token."))
        if token.revoked_at is None:
            token.revoked_at = now
            token.save(update_fields=["revoked_at"])
            record(SUBJECT, "token.revoked", actor=actor, at=now, name=token.name, role=token.role)
        return token


def note_new_token(token: ApiToken, *, actor: Actor, now: datetime) -> None:
    """Keep in the history that a token was made; never the token itself."""
    record(SUBJECT, "token.made", actor=actor, at=now, name=token.name, role=token.role)
