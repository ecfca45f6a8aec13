"""Addresses of routing."""

from django.urls import path

from routing.views import decisions, editing, rules, trying

urlpatterns = [
    path("routing/", rules.rules_page, name="routing"),
    path("routing/edit/", editing.edit, name="routing-edit"),
    path("routing/try/", trying.try_page, name="routing-try"),
    path("routing/retry/", rules.retry, name="routing-retry"),
    path("routing/versions/", rules.version_list, name="routing-versions"),
    path("routing/versions/<int:version>/", rules.version_page, name="routing-version"),
    path("routing/versions/<int:version>/restore/", rules.restore, name="routing-restore"),
    path("routing/decisions/<int:pk>/", decisions.decision_page, name="routing-decision"),
]
