"""Forms of transfers."""

from transfers.forms.arrivals import FindForm, PostForm, SettleForm
from transfers.forms.drafts import DraftForm, LineEntry, SuggestForm, UploadForm
from transfers.forms.leaving import CancelForm, DispatchForm

__all__ = [
    "CancelForm",
    "DispatchForm",
    "DraftForm",
    "FindForm",
    "LineEntry",
    "PostForm",
    "SettleForm",
    "SuggestForm",
    "UploadForm",
]
