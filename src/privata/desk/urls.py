"""Every page of the Desk. Partners' pages carry their environment in the path, so that a copied
link reopens the same view; the organization is the session's."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, register_converter

from privata.core.tenancy import Environment
from privata.desk import home, live, search, switch


class EnvironmentConverter:
    """`live` or `test` in a path."""

    regex = "|".join(environment.value for environment in Environment)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(EnvironmentConverter, "env")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", switch.front_door, name="front_door"),
    path("", include("privata.accounts.urls")),
    path("environment", switch.switch_environment, name="switch_environment"),
    path("track/", include("privata.orders.public_urls")),
    path("", include("privata.docs.urls", namespace="docs")),
    path("<env:environment>/", home.page, name="home"),
    path("<env:environment>/fragments/<str:part>", home.fragment, name="home_fragment"),
    path("<env:environment>/live", live.stream, name="live"),
    path("<env:environment>/search", search.page, name="search"),
    path("<env:environment>/orders/", include("privata.orders.urls", namespace="orders")),
    path(
        "<env:environment>/orders/<str:order_id>/refund",
        include("privata.refunds.urls", namespace="refunds"),
    ),
    path("<env:environment>/keys/", include("privata.apikeys.urls", namespace="keys")),
    path("<env:environment>/webhooks/", include("privata.webhooks.urls", namespace="webhooks")),
    path("<env:environment>/streams/", include("privata.streams.urls", namespace="streams")),
]

handler404 = "privata.desk.errors.not_found"
handler403 = "privata.desk.errors.forbidden"
handler429 = "privata.desk.errors.too_many"
handler500 = "privata.desk.errors.server_error"
