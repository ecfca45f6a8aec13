"""Addresses of channels and imports."""

from django.urls import path

from channels.views import channel_pages, imports, uploading

urlpatterns = [
    path("channels/", channel_pages.channels, name="channels"),
    path("channels/new/", channel_pages.channel_new, name="channel-new"),
    path("channels/<int:pk>/", channel_pages.channel, name="channel"),
    path("imports/", imports.import_list, name="imports"),
    path("imports/new/", uploading.import_new, name="import-new"),
    path("imports/new/<str:token>/", uploading.preview, name="import-preview"),
    path("imports/<int:pk>/", imports.import_page, name="import"),
    path("imports/<int:pk>/apply/", imports.apply, name="import-apply"),
    path("imports/<int:pk>/refused.csv", imports.refused_rows, name="import-refused"),
]
