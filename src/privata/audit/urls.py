"""Pages of the audit log, below `/<environment>/audit/`."""

from __future__ import annotations

from django.urls import path

from privata.audit import views

app_name = "audit"

urlpatterns = [
    path("", views.listing, name="list"),
    path("verify", views.verification, name="verify"),
    path("export/<str:form>", views.export, name="export"),
    path("<number:seq>", views.entry, name="entry"),
]
