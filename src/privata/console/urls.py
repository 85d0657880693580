"""The operator console, below `/console/`."""

from __future__ import annotations

from django.urls import path

from privata.console import views

app_name = "console"

urlpatterns = [
    path("organizations", views.organizations, name="organizations"),
    path("organizations/<uuid:organization_id>", views.organization, name="organization"),
    path("organizations/<uuid:organization_id>/decide", views.decide, name="decide"),
]
