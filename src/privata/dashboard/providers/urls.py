"""Addresses of the providers' page, below `/<environment>/providers/`."""

from __future__ import annotations

from django.urls import path

from privata.dashboard.providers import views

app_name = "providers"

urlpatterns = [
    path("", views.index, name="index"),
    path("markup", views.markup, name="markup"),
    path("<str:provider>/turn", views.turn, name="turn"),
    path("<str:provider>/off", views.off, name="off"),
    path("<str:provider>/markup", views.markup_of_one, name="markup_of_one"),
]
