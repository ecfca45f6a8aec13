"""Addresses of availability."""

from __future__ import annotations

from django.urls import path

from availability.views import receipt, rules, webhooks
from availability.views.listing import availability_list, rule_list

urlpatterns = [
    path("availability/", availability_list, name="availability"),
    path("availability/<int:pk>/", receipt.receipt, name="availability-receipt"),
    path("availability/rules/", rule_list, name="availability-rules"),
    path("availability/rules/new/", rules.rule_new, name="availability-rule-new"),
    path("availability/rules/file/", rules.rules_file, name="availability-rules-file"),
    path("availability/rules/import/", rules.rules_import, name="availability-rules-import"),
    path("availability/rules/<int:pk>/", rules.rule, name="availability-rule"),
    path("availability/rules/<int:pk>/delete/", rules.rule_delete, name="availability-rule-delete"),
    path("availability/pools/", rules.pools, name="availability-pools"),
    path("availability/pools/new/", rules.pool_new, name="availability-pool-new"),
    path("availability/pools/<int:pk>/", rules.pool, name="availability-pool"),
    path("availability/pools/<int:pk>/delete/", rules.pool_delete, name="availability-pool-delete"),
    path("availability/channels/", webhooks.channels, name="availability-channels"),
    path("availability/channels/<int:pk>/", webhooks.webhook, name="availability-webhook"),
    path("availability/channels/<int:pk>/recompute/", webhooks.channel_recompute, name="availability-recompute"),
    path("availability/channels/<int:pk>/test/", webhooks.webhook_test, name="availability-webhook-test"),
    path("availability/channels/<int:pk>/key/", webhooks.webhook_key, name="availability-webhook-key"),
    path("availability/channels/<int:pk>/send/", webhooks.webhook_send_all, name="availability-webhook-send"),
]
