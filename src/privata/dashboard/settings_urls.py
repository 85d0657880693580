"""Settings, below `/<environment>/settings/`: the organization's and its members' tokens."""

from __future__ import annotations

from django.urls import path

from privata.organizations.views import settings
from privata.tokens import views as tokens

app_name = "settings"

urlpatterns = [
    path("", settings.organization, name="organization"),
    path("change", settings.change_organization, name="change_organization"),
    path("notifications", settings.notifications, name="notifications"),
    path("notifications/change", settings.change_notifications, name="change_notifications"),
    path("tokens", tokens.listing, name="tokens"),
    path("tokens/new", tokens.new, name="new_token"),
    path("tokens/<uuid:token_id>/shown", tokens.shown, name="token_shown"),
    path("tokens/<uuid:token_id>/revoke", tokens.revoke, name="revoke_token"),
]
