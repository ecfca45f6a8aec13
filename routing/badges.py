"""How the states of routing look."""

from django.utils.translation import gettext_lazy as _

from core.badges import register

register("routing.version", {"True": ("ok", _("Live")), "False": ("neutral", _("Earlier"))})
register(
    "routing.cause",
    {
        "placed": ("neutral", _("Order placed")),
        "backorder": ("info", _("Stock came in")),
        "released": ("info", _("Hold released")),
        "rerouted": ("info", _("Routed again")),
        "retried": ("info", _("Tried again")),
        "changed": ("info", _("Order changed")),
        "short_pick": ("warn", _("Short pick")),
    },
)
register("routing.role", {"chosen": ("ok", _("Chosen")), "runner_up": ("info", _("Runner-up"))})
register(
    "routing.verdict",
    {"decides": ("ok", _("Decides")), "tie": ("neutral", _("Level")), "unasked": ("neutral", _("Not asked"))},
)
