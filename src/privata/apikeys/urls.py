"""Addresses of the pages of keys, below `/<environment>/keys/`."""

from __future__ import annotations

from django.urls import path

from privata.apikeys.views import keys, secrets

app_name = "keys"

urlpatterns = [
    path("", keys.index, name="list"),
    path("new", keys.new, name="new"),
    path("<uuid:key_id>", keys.detail, name="detail"),
    path("<uuid:key_id>/state", keys.state, name="state"),
    path("<uuid:key_id>/change", keys.change, name="change"),
    path("<uuid:key_id>/created", secrets.created, name="created"),
    path("<uuid:key_id>/rotate", secrets.rotate, name="rotate"),
    path("<uuid:key_id>/end-old", secrets.end_old, name="end_old"),
    path("<uuid:key_id>/revoke", secrets.revoke, name="revoke"),
]
