"""Photos of a case. What is kept is drawn anew from the upload: a picture and nothing but a picture, without place or camera."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from PIL import Image, ImageOps, UnidentifiedImageError

from core.actors import Actor
from core.files import store_file
from core.refusals import Invalid, NotFound, Refusal
from core.timeline import record
from quality.models import CasePhoto, NonConformance

MOST_PHOTOS = 12
MOST_BYTES = 15_000_000
MOST_PIXELS = 60_000_000
#: The longer side of what is kept, in pixels.
LONGEST_SIDE = 2000
_FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True, slots=True)
class Picture:
    """A checked photo: JPEG, at most 2000 pixels a side, without any data but the picture."""

    data: bytes


def check_picture(data: bytes) -> Picture:
    """Draw an upload anew. Slow, so it comes before any transaction. Raises Invalid (field `photos`)."""
    if len(data) > MOST_BYTES:
        raise Invalid("photo_too_large", _("A photo has at most 15 MB."), field="photos")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                if picture.width * picture.height > MOST_PIXELS:
                    raise Image.DecompressionBombError
                picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # a large JPEG is decoded small at once
                upright = ImageOps.exif_transpose(picture)
                upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                clean = io.BytesIO()
                _on_white(upright).save(clean, format="JPEG", quality=82, optimize=True)
    except Image.DecompressionBombError:
        raise Invalid("photo_too_large", _("A photo has at most 60 million pixels."), field="photos") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError):
        raise Invalid("bad_photo", _("This is not a JPEG, PNG or WebP picture."), field="photos") from None
    return Picture(clean.getvalue())


def _on_white(picture: Image.Image) -> Image.Image:
    """Three colours; what was transparent is white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(ground, layer).convert("RGB")
    return picture.convert("RGB")


def add_photos(*, case_id: int, photos: Sequence[Picture], actor: Actor, now: datetime) -> int:
    """Keep more photos with a case; how many it has then. Raises NotFound, or Refusal `too_many_photos`."""
    with transaction.atomic():
        case = NonConformance.objects.select_for_update(of=("self",), no_key=True).filter(pk=case_id).first()
        if case is None:
            raise NotFound("no_such_case", _("There is no such case."))
        number = keep_photos(case, photos, actor=actor, now=now)
        if photos:
            record(case.subject, "nonconformance.photos", actor=actor, at=now, photos=len(photos))
        return number


def keep_photos(case: NonConformance, photos: Sequence[Picture], *, actor: Actor, now: datetime) -> int:
    """Store the photos of a case that the caller has locked or made."""
    have = case.photos.count()
    if have + len(photos) > MOST_PHOTOS:
        raise Refusal(
            "too_many_photos", _("A case has at most {most} photos.").format(most=MOST_PHOTOS), field="photos"
        )
    for nr, photo in enumerate(photos, have + 1):
        file = store_file(name=f"{case.number}-{nr}.jpg", content_type="image/jpeg", data=photo.data)
        CasePhoto.objects.create(case=case, file=file, actor=actor.ref, at=now)
    return have + len(photos)
