"""One route for the link column's test."""

from django.http import HttpResponse
from django.urls import path

urlpatterns = [path("anything/<path:key>/", lambda request, key: HttpResponse(key), name="anything")]
