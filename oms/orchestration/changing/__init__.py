"""Change orders: edits after placement, previewed by the very code that submits them."""

from oms.orchestration.changing.changes import Change, parse_changes
from oms.orchestration.changing.preview import Preview, preview_change
from oms.orchestration.changing.submit import EffectMoved, submit_change

__all__ = ["Change", "EffectMoved", "Preview", "parse_changes", "preview_change", "submit_change"]
