"""Addresses of risk."""

from __future__ import annotations

from django.urls import path

from risk.views import addresses, queue, rules

urlpatterns = [
    path("risk/", queue.risk_queue, name="risk"),
    path("risk/<int:pk>/decide/", queue.decide, name="risk-decide"),
    path("orders/<int:pk>/risk/", queue.check, name="order-risk"),
    path("risk/rules/", rules.rules, name="risk-rules"),
    path("risk/rules/thresholds/", rules.thresholds, name="risk-thresholds"),
    path("risk/rules/usual/", rules.usual, name="risk-rules-usual"),
    path("risk/rules/new/<slug:kind>/", rules.rule_new, name="risk-rule-new"),
    path("risk/rules/<int:pk>/", rules.rule_edit, name="risk-rule"),
    path("risk/rules/<int:pk>/remove/", rules.rule_remove, name="risk-rule-remove"),
    path("risk/addresses/", addresses.address_list, name="risk-addresses"),
    path("risk/addresses/<int:pk>/accept/", addresses.accept, name="address-accept"),
    path("risk/addresses/<int:pk>/as-is/", addresses.as_is, name="address-as-is"),
]
