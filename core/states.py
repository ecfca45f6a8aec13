"""State machines: one table of actions per object, read by the operations, the buttons and the API alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from core.refusals import Refusal

#: A guard looks at the object and answers None, or a sentence that says why not.
Guard = Callable[[Any], str | None]


@dataclass(frozen=True, slots=True)
class Action:
    """A named move from any of `sources` to `target`; target None leaves the state as it is."""

    name: str
    label: Any  # a lazily translated string
    sources: frozenset[str]
    target: str | None
    permission: str | None = None
    guard: Guard | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a person is shown: the action, whether it may be done now, and why not."""

    name: str
    label: str
    allowed: bool
    why: str


class StateMachine:
    """The edges of one object's life.

    name: stable name of the machine. field: attribute that holds the state. labels: state → label, for sentences.
    """

    def __init__(self, name: str, field: str, labels: dict[str, Any], actions: Iterable[Action]) -> None:
        self.name = name
        self.field = field
        self.labels = labels
        self.actions = {action.name: action for action in actions}
        for action in self.actions.values():
            unknown = (action.sources | ({action.target} if action.target else set())) - labels.keys()
            if unknown:
                raise ValueError(f"{name}.{action.name}: unknown states {sorted(unknown)}")

    def state_of(self, obj: Any) -> str:
        return str(getattr(obj, self.field))

    def why_not(self, obj: Any, name: str) -> str | None:
        """None when the action may be done now, else the sentence that says why not."""
        action = self.actions[name]
        state = self.state_of(obj)
        if state not in action.sources:
            return _("Not possible while it is “{state}”.").format(state=self.labels[state])
        return action.guard(obj) if action.guard else None

    def check(self, obj: Any, name: str) -> str:
        """The target state of the action; raises Refusal (code `wrong_state`) when it is not possible now."""
        reason = self.why_not(obj, name)
        if reason is not None:
            raise Refusal("wrong_state", reason, state=self.state_of(obj), action=name)
        return self.actions[name].target or self.state_of(obj)

    def offers(self, obj: Any, holder: Any | None = None) -> list[Offer]:
        """Every action with its answer for now; `holder` (user or token) adds the permission to the question."""
        result = []
        for action in self.actions.values():
            why = self.why_not(obj, action.name)
            if why is None and holder is not None and action.permission and not holder.can(action.permission):
                why = _("Your role does not include this.")
            result.append(Offer(action.name, str(action.label), why is None, why or ""))
        return result

    def edges(self) -> list[tuple[str, str, str]]:
        """(source, action, target) of every move: for docs and tests."""
        return [
            (source, action.name, action.target or source)
            for action in self.actions.values()
            for source in sorted(action.sources)
        ]
