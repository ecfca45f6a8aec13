"""Badges of what belongs to no single app."""

from django.utils.translation import gettext_lazy as _

from core.badges import register

register(
    "job",
    {
        "queued": ("neutral", _("Queued")),
        "running": ("info", _("Running")),
        "done": ("ok", _("Done")),
        "done_with_errors": ("warn", _("Done with errors")),
        "failed": ("bad", _("Failed")),
        "cancelled": ("neutral", _("Cancelled")),
    },
)
