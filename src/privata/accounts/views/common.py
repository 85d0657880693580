"""What the account pages share: the access check for signed-in people, and the frame around a
page."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from privata.accounts import reading
from privata.accounts.models import User
from privata.accounts.reading import Factors
from privata.accounts.views import ceremonies
from privata.infra.plane import app_context, wait

#: Tabs of the account pages: key, label, address.
TABS: Final = (
    ("security", "Security", "account_security"),
    ("sessions", "Sessions", "account_sessions"),
)

P = ParamSpec("P")


def signed_in(
    view: Callable[Concatenate[HttpRequest, User, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A view of the signed-in person, with or without an organization."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        user = request.user
        if not isinstance(user, User):
            return redirect_to_login(request.get_full_path())
        return view(request, user, *args, **kwargs)

    # The list of open routes reads it, and the dashboard, which puts its frame around the page.
    guarded.signed_in = True  # type: ignore[attr-defined]
    return guarded


def factors_of(user: User) -> Factors:
    """The person's second factors and recovery codes."""
    return wait(reading.factors_of(app_context(), user.pk))


def safe_path(page: str) -> str | None:
    """A page of ours to go to after a sign-in; None for anything else."""
    inside = page.startswith("/") and url_has_allowed_host_and_scheme(page, allowed_hosts=None)
    return page if inside else None


def show(
    request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """A page of this room."""
    tabs = [(label, reverse(name), key == context.get("tab")) for key, label, name in TABS]
    common = {
        "messages": get_messages(request),
        "tabs": tabs,
        "passkey_hint": ceremonies.hint(request),
    }
    return render(request, f"accounts/{template}", common | context, status=status)
