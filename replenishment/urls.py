"""Addresses of replenishment."""

from __future__ import annotations

from django.urls import path

from replenishment.views import alerts, policies, preferences, reorder

urlpatterns = [
    path("alerts/", alerts.alert_list, name="alerts"),
    path("alerts/mine/", preferences.preferences, name="alert-preferences"),
    path("alerts/settings/", preferences.settings, name="replenishment-settings"),
    path("alerts/<int:pk>/", alerts.alert, name="alert"),
    path("alerts/<int:pk>/snooze/", alerts.snooze, name="alert-snooze"),
    path("reorder/", reorder.need_list, name="reorder"),
    path("reorder/plan/", reorder.plan, name="reorder-plan"),
    path("reorder/<int:pk>/", reorder.reorder_one, name="reorder-one"),
    path("reorder/points/", policies.policy_list, name="policies"),
    path("reorder/points/new/", policies.policy_new, name="policy-new"),
    path("reorder/points/grid/", policies.policy_grid, name="policy-grid"),
    path("reorder/points/import/", policies.policies_import, name="policies-import"),
    path("reorder/points/file/", policies.policies_file, name="policies-file"),
    path("reorder/points/<int:pk>/", policies.policy_edit, name="policy-edit"),
    path("reorder/points/<int:pk>/act/", policies.policy_act, name="policy-act"),
]
