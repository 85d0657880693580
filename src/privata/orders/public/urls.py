"""Pages for the end users of partners, below `/track/`."""

from __future__ import annotations

from django.urls import path

from privata.orders.public import views as public_views

urlpatterns = [
    path("<str:order_id>", public_views.track, name="track"),
    path("<str:order_id>/state", public_views.track_state, name="track_state"),
]
