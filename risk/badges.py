"""How risk and addresses look."""

from core.badges import register
from risk.states import AddressState, Decision, Level, Settled

register(
    "risk.level",
    {
        Level.LOW: ("ok", Level.LOW.label),
        Level.REVIEW: ("warn", Level.REVIEW.label),
        Level.HOLD: ("bad", Level.HOLD.label),
    },
)
register(
    "risk.decision",
    {Decision.ACCEPTED: ("ok", Decision.ACCEPTED.label), Decision.REJECTED: ("bad", Decision.REJECTED.label)},
)
register(
    "address.state",
    {
        AddressState.OK: ("ok", AddressState.OK.label),
        AddressState.SUGGESTION: ("info", AddressState.SUGGESTION.label),
        AddressState.PROBLEM: ("warn", AddressState.PROBLEM.label),
    },
)
register(
    "address.settled",
    {Settled.CORRECTED: ("ok", Settled.CORRECTED.label), Settled.AS_IS: ("neutral", Settled.AS_IS.label)},
)
