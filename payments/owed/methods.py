"""The ways of paying that people record by hand."""

from __future__ import annotations

from payments.models import MethodKind, PaymentMethod


def method_names(kind: MethodKind | None = None) -> list[str]:
    """Names of the active methods (of a kind); where none is configured, the kinds' own words."""
    methods = PaymentMethod.objects.filter(active=True).order_by("name")
    found = list((methods.filter(kind=kind) if kind else methods).values_list("name", flat=True))
    return found or [str(one.label) for one in MethodKind if kind is None or one == kind]


def offered_methods() -> list[PaymentMethod]:
    """What customers who owe are told of: active methods with instructions that are shown to them."""
    return list(PaymentMethod.objects.filter(active=True, offered=True).exclude(instructions="").order_by("name"))
