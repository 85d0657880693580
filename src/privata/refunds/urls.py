"""Pages of an order's refund, below `/<environment>/orders/<order>/refund`."""

from __future__ import annotations

from django.urls import path

from privata.refunds import views

app_name = "refunds"

urlpatterns = [
    path("", views.choose, name="choose"),
    path("/check", views.check, name="check"),
]
