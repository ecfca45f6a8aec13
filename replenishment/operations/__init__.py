"""What replenishment does."""

from replenishment.operations.evaluating import Evaluation, evaluate_all, evaluate_subjects
from replenishment.operations.policies import PolicyWish, clear_policies, set_policies, set_policy
from replenishment.operations.snoozing import snooze_alerts, wake_alerts
from replenishment.operations.telling import send_digest, tell_news

__all__ = [
    "Evaluation",
    "PolicyWish",
    "clear_policies",
    "evaluate_all",
    "evaluate_subjects",
    "send_digest",
    "set_policies",
    "set_policy",
    "snooze_alerts",
    "tell_news",
    "wake_alerts",
]
