"""Addresses of the documentation: `/docs`, what is below it, and `/llms.txt`."""

from __future__ import annotations

from django.urls import path

from privata.docs import views

app_name = "docs"

urlpatterns = [
    path("docs", views.index, name="index"),
    path("docs/api", views.api, name="api"),
    path("docs/api/openapi.json", views.openapi, name="openapi"),
    path("docs/api/privata.postman_collection.json", views.postman, name="postman"),
    path("docs/api/privata.bruno.zip", views.bruno, name="bruno"),
    path("docs/<slug:slug>.md", views.guide_text, name="guide_text"),
    path("docs/<slug:slug>", views.guide, name="guide"),
    path("llms.txt", views.llms, name="llms"),
]
