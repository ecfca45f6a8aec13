"""Addresses of the kernel's pages."""

from django.urls import path
from django.views.i18n import set_language

from core.permissions import public
from core.views import access, health, jobs, people, shop

urlpatterns = [
    path("login/", access.login, name="login"),
    path("logout/", access.logout, name="logout"),
    path("language/", public(set_language), name="set_language"),
    path("me/", access.preferences, name="preferences"),
    path("me/password/", access.change_password, name="change-password"),
    path("healthz", health.healthz, name="healthz"),
    path("jobs/", jobs.job_list, name="jobs"),
    path("jobs/<int:pk>/", jobs.job, name="job"),
    path("jobs/<int:pk>/cancel/", jobs.cancel, name="job-cancel"),
    path("jobs/<int:pk>/resume/", jobs.resume, name="job-resume"),
    path("jobs/<int:pk>/output/", jobs.output, name="job-output"),
    path("jobs/<int:pk>/errors.csv", jobs.errors, name="job-errors"),
    path("settings/", shop.settings_page, name="settings"),
    path("settings/tokens/<int:pk>/revoke/", shop.token_revoke, name="token-revoke"),
    path("users/", people.people, name="users"),
    path("users/new/", people.person_new, name="user-new"),
    path("users/<int:pk>/", people.person, name="user"),
]
