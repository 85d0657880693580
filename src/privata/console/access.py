"""The access check of the console: the operator's staff, and nobody else."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import redirect

from privata.accounts.models import User
from privata.accounts.views.stepup import hold, with_second_factor
from privata.core.tenancy import Actor, ActorKind, Environment

#: The operator acts upon no organization until one is named.
NO_ORGANIZATION = UUID(int=0)


def staff_page(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """A page for staff with a second factor; to everybody else the console does not exist."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        if not request.user.is_staff:
            raise Http404
        # One password must not open every partner's data: nothing of the console without a second
        # factor, neither for an account that has none nor for a session that has shown none.
        if request.user.recovery_confirmed_at is None:
            messages.error(request, "Set up two-factor sign-in first. The console requires it.")
            return redirect("account_security")
        if not with_second_factor(request):
            return hold(request)
        return view(request, _operator(request, request.user), *args, **kwargs)

    guarded.staff = True  # type: ignore[attr-defined]  # the route matrix reads it
    return guarded


def _operator(request: HttpRequest, user: User) -> Actor:
    return Actor(
        kind=ActorKind.OPERATOR,
        id=str(user.pk),
        label=user.email,
        organization_id=NO_ORGANIZATION,
        environment=Environment.LIVE,
        ip=request.META.get("REMOTE_ADDR"),
        user_agent=request.headers.get("User-Agent", ""),
        session=request.session.session_key or "",
    )
