"""Every page of the dashboard. Partners' pages carry their environment in the path, so that a
copied link reopens the same view; the organization is the session's."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path, register_converter

from privata.access.views import FIND_TENANT
from privata.core.tenancy import Environment
from privata.dashboard import live, search, switch
from privata.dashboard.home import going_live
from privata.dashboard.home import views as home
from privata.orders.refund_port import REFUND_PANEL
from privata.organizations.tenant_context import tenant_of
from privata.organizations.views import joining
from privata.refunds.panel import panel_of


class EnvironmentConverter:
    """`live` or `test` in a path."""

    regex = "|".join(environment.value for environment in Environment)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class NumberConverter:
    """The number of a row: no more digits than every column has room for, so none is too large."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


# The hooks of pages; `privata.wiring` fills the others.
FIND_TENANT.fill(tenant_of)
REFUND_PANEL.fill(panel_of)

register_converter(EnvironmentConverter, "env")
register_converter(NumberConverter, "number")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", switch.index, name="index"),
    path("", include("privata.accounts.urls")),
    path("environment", switch.switch_environment, name="switch_environment"),
    path("organization/<uuid:organization_id>", joining.switch, name="switch_organization"),
    path("invitations/<str:token>", joining.invitation, name="invitation"),
    path("onboarding/", include("privata.organizations.onboarding_urls", namespace="onboarding")),
    path("console/", include("privata.console.urls", namespace="console")),
    path("track/", include("privata.orders.public.urls")),
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
    path("<env:environment>/audit/", include("privata.audit.urls", namespace="audit")),
    path("<env:environment>/going-live", going_live.page, name="going_live"),
    path(
        "<env:environment>/settings/",
        include("privata.dashboard.settings_urls", namespace="settings"),
    ),
    path("<env:environment>/team/", include("privata.organizations.team_urls", namespace="team")),
    path("<env:environment>/webhooks/", include("privata.webhooks.urls", namespace="webhooks")),
    path("<env:environment>/streams/", include("privata.streams.urls", namespace="streams")),
    path(
        "<env:environment>/providers/",
        include("privata.dashboard.providers.urls", namespace="providers"),
    ),
]

handler400 = "privata.dashboard.errors.bad_request"
handler404 = "privata.dashboard.errors.not_found"
handler403 = "privata.dashboard.errors.forbidden"
handler429 = "privata.dashboard.errors.too_many"
handler500 = "privata.dashboard.errors.server_error"
