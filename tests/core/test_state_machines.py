"""Every pair of states and actions: allowed moves go where the table says, all others are refused with a sentence."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from core.permissions import MATRIX, Role, role_allows
from core.refusals import Refusal
from core.states import Action, StateMachine
from fulfillment.states import FULFILLMENT_MACHINE, SHIPMENT_MACHINE
from returns.states import RETURN_MACHINE

MACHINES = [FULFILLMENT_MACHINE, SHIPMENT_MACHINE, RETURN_MACHINE]
PAIRS = [(m, state, action) for m in MACHINES for state in m.labels for action in m.actions.values()]


@pytest.mark.parametrize(("machine", "state", "action"), PAIRS, ids=lambda value: getattr(value, "name", value))
def test_a_move_is_made_exactly_where_the_table_says(machine: StateMachine, state: str, action: Action):
    thing = SimpleNamespace(state=state)
    if state not in action.sources:
        with pytest.raises(Refusal) as refusal:
            machine.check(thing, action.name)
        assert refusal.value.code == "wrong_state" and str(refusal.value)
    elif action.guard is None:
        assert machine.check(thing, action.name) == (action.target or state)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda m: m.name)
def test_permissions_of_actions_exist(machine: StateMachine):
    assert {a.permission for a in machine.actions.values() if a.permission} <= MATRIX.keys()


def test_what_is_not_in_the_matrix_nobody_may_do():
    assert not any(role_allows(role, "no.such.permission") for role in Role.values)
    assert not role_allows("no such role", "orders.view")
    assert all(roles and roles <= set(Role.values) for roles in MATRIX.values())
