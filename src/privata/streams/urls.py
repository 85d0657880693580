"""Addresses of the streams page, below `/<environment>/streams/`."""

from __future__ import annotations

from django.urls import path

from privata.streams import views

app_name = "streams"

urlpatterns = [
    path("", views.index, name="index"),
    path("<number:stream_id>/close", views.close, name="close"),
]
