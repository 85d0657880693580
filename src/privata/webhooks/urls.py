"""Addresses of the webhook pages, below `/<environment>/webhooks/`."""

from __future__ import annotations

from django.urls import path

from privata.webhooks.views import deliveries, endpoint, endpoints

app_name = "webhooks"

urlpatterns = [
    path("", endpoints.index, name="endpoints"),
    path("new", endpoints.new, name="new"),
    path("deliveries", deliveries.everything, name="deliveries"),
    path("deliveries/live", deliveries.live, name="live"),
    path("deliveries/<uuid:delivery_id>", deliveries.full, name="delivery"),
    path("deliveries/<uuid:delivery_id>/sheet", deliveries.sheet, name="sheet"),
    path("deliveries/<uuid:delivery_id>/story", deliveries.story, name="story"),
    path("deliveries/<uuid:delivery_id>/retry", deliveries.retry, name="retry"),
    path("<uuid:endpoint_id>", endpoint.log, name="endpoint"),
    path("<uuid:endpoint_id>/head", endpoint.head, name="head"),
    path("<uuid:endpoint_id>/settings", endpoint.settings, name="settings"),
    path("<uuid:endpoint_id>/change", endpoint.change, name="change"),
    path("<uuid:endpoint_id>/secret", endpoint.secret, name="secret"),
    path("<uuid:endpoint_id>/created", endpoints.created, name="created"),
    path("<uuid:endpoint_id>/pause", endpoint.pause, name="pause"),
    path("<uuid:endpoint_id>/resume", endpoint.resume, name="resume"),
    path("<uuid:endpoint_id>/disable", endpoint.disable, name="disable"),
]
