"""Pages of onboarding, below `/onboarding/`: before there is an environment to look at."""

from __future__ import annotations

from django.urls import path

from privata.organizations.views import onboarding

app_name = "onboarding"

urlpatterns = [
    path("", onboarding.start, name="start"),
    path("company", onboarding.company, name="company"),
    path("volume", onboarding.volume, name="volume"),
    path("jurisdictions", onboarding.jurisdictions, name="jurisdictions"),
    path("contact", onboarding.contact, name="contact"),
    path("done", onboarding.done, name="done"),
]
