"""Every page of the Desk."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []

handler404 = "privata.desk.errors.not_found"
handler403 = "privata.desk.errors.forbidden"
handler500 = "privata.desk.errors.server_error"
