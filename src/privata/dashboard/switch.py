"""The start page and the switch between live and test."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import Resolver404, resolve, reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from privata.access.tenants import SESSION_ENVIRONMENT
from privata.core.tenancy import Environment


@require_safe
def index(request: HttpRequest) -> HttpResponseRedirect:
    """To the environment looked at last; new partners begin in test."""
    environment = request.session.get(SESSION_ENVIRONMENT, Environment.TEST.value)
    return redirect("home", environment=environment)


@require_POST
def switch_environment(request: HttpRequest) -> HttpResponseRedirect:
    """To the same page in the other environment, or to its home.

    A list exists in both; a single order or endpoint belongs to one of them.
    """
    environment = request.POST.get("environment", "")
    if environment not in {one.value for one in Environment}:
        environment = Environment.TEST.value
    request.session[SESSION_ENVIRONMENT] = environment
    page = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(page, allowed_hosts=None):
        try:
            match = resolve(page.partition("?")[0])
        except Resolver404:
            match = None
        if match is not None and set(match.kwargs) == {"environment"}:
            return redirect(reverse(match.view_name, kwargs={"environment": environment}))
    return redirect("home", environment=environment)
