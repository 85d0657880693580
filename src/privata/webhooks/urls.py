"""Addresses of the webhook pages, below `/<environment>/webhooks/`."""

from __future__ import annotations

from django.urls import path

from privata.webhooks.views import (
    checks,
    deliveries,
    endpoint,
    endpoints,
    recovery,
    secrets,
    tools,
)

app_name = "webhooks"

urlpatterns = [
    path("", endpoints.index, name="endpoints"),
    path("new", endpoints.new, name="new"),
    path("check-url", checks.url, name="check_url"),
    path("deliveries", deliveries.everything, name="deliveries"),
    path("deliveries/live", deliveries.live, name="live"),
    path("deliveries/retry-matching", tools.retry_matching, name="retry_matching"),
    path("deliveries/retry-chosen", tools.retry_chosen, name="retry_chosen"),
    path("deliveries/<uuid:delivery_id>", deliveries.full, name="delivery"),
    path("deliveries/<uuid:delivery_id>/sheet", deliveries.sheet, name="sheet"),
    path("deliveries/<uuid:delivery_id>/story", deliveries.story, name="story"),
    path("deliveries/<uuid:delivery_id>/retry", deliveries.retry, name="retry"),
    path("deliveries/<uuid:delivery_id>/replay", tools.replay, name="replay"),
    path("deliveries/<uuid:delivery_id>/signature", checks.signature, name="signature"),
    path("<uuid:endpoint_id>", endpoint.log, name="endpoint"),
    path("<uuid:endpoint_id>/head", endpoint.head, name="head"),
    path("<uuid:endpoint_id>/settings", endpoint.settings, name="settings"),
    path("<uuid:endpoint_id>/change", endpoint.change, name="change"),
    path("<uuid:endpoint_id>/secret", secrets.secret, name="secret"),
    path("<uuid:endpoint_id>/secret/rotate", secrets.rotate, name="rotate"),
    path("<uuid:endpoint_id>/secret/end-old", secrets.end_old, name="end_old"),
    path("<uuid:endpoint_id>/created", secrets.created, name="created"),
    path("<uuid:endpoint_id>/test", tools.test, name="test"),
    path("<uuid:endpoint_id>/test/<uuid:delivery_id>", tools.test_outcome, name="test_outcome"),
    path("<uuid:endpoint_id>/recover", recovery.recover, name="recover"),
    path(
        "<uuid:endpoint_id>/recover/<uuid:recovery_id>/cancel",
        recovery.cancel,
        name="cancel_recovery",
    ),
    path("<uuid:endpoint_id>/pause", endpoint.pause, name="pause"),
    path("<uuid:endpoint_id>/resume", endpoint.resume, name="resume"),
    path("<uuid:endpoint_id>/disable", endpoint.disable, name="disable"),
    path("<uuid:endpoint_id>/delete", endpoint.delete, name="delete"),
]
