"""Forms about returns."""

from returns.forms.asking import ReturnForm, ReturnRow
from returns.forms.deciding import ApproveForm, DeclineForm
from returns.forms.goods import FindForm, InspectForm, ReceiveForm
from returns.forms.resolving import ResolveForm

__all__ = [
    "ApproveForm",
    "DeclineForm",
    "FindForm",
    "InspectForm",
    "ReceiveForm",
    "ResolveForm",
    "ReturnForm",
    "ReturnRow",
]
