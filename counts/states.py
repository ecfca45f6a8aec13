"""The life of a stock count and of each of its lines: one table of moves."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.states import Action, StateMachine


class CountState(models.TextChoices):
    OPEN = "open", _("Open")
    COUNTED = "counted", _("Counted")
    POSTED = "posted", _("Posted")
    ABANDONED = "abandoned", _("Abandoned")


class CountKind(models.TextChoices):
    """By what the lines of a count were chosen."""

    BINS = "bins", _("Bins")
    ABC = "abc", _("ABC class")
    LOCATION = "location", _("Whole location")
    SKUS = "skus", _("Chosen SKUs")


class LineState(models.TextChoices):
    """Where the counting of one line stands."""

    TO_COUNT = "to_count", _("To count")
    COUNTING = "counting", _("Being counted")
    RECOUNT = "recount", _("Count again")
    RECOUNTING = "recounting", _("Being counted again")
    DONE = "done", _("Counted")


class LineResult(models.TextChoices):
    """What posting made of a line."""

    PENDING = "", _("Not posted")
    EXACT = "exact", _("Exact")
    ADJUSTED = "adjusted", _("Adjusted")
    LEFT = "left", _("Left as it is")
    REFUSED = "refused", _("Refused")


class Unlisted(models.TextChoices):
    """What posting does with units that were expected and that nobody found."""

    LEAVE = "leave", _("Leave them as they are")
    ZERO = "zero", _("Set them to zero")


#: Counts that will not change any more.
CLOSED_STATES = frozenset({CountState.POSTED, CountState.ABANDONED})
#: Lines that somebody still has to look at.
UNDONE_LINES = frozenset({LineState.TO_COUNT, LineState.COUNTING, LineState.RECOUNT, LineState.RECOUNTING})

_S = CountState
COUNT_MACHINE = StateMachine(
    "stock count",
    "state",
    dict(CountState.choices),
    [
        Action("count", pgettext_lazy("verb", "Count"), frozenset({_S.OPEN}), None, "counts.count"),
        Action("finish", _("Counting is finished"), frozenset({_S.OPEN}), _S.COUNTED, "counts.count"),
        Action("reopen", _("Count again"), frozenset({_S.COUNTED}), _S.OPEN, "counts.post"),
        Action("post", _("Post"), frozenset({_S.COUNTED}), _S.POSTED, "counts.post"),
        Action("abandon", _("Abandon"), frozenset({_S.OPEN, _S.COUNTED}), _S.ABANDONED, "counts.post"),
    ],
)
