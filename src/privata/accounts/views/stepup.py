"""Sensitive actions ask for step-up authentication: `@fresh` before a view.

When the last authentication (sign-in, second factor, password) is older than ten minutes the
request is put aside as it is, sealed in the session, the person proves who they are, and then the
very same action is done: a filled form is not lost.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, Final, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.urls import resolve, reverse

from privata.accounts.models import User
from privata.accounts.views.browser import SESSION_PROVED_AT, SESSION_SECOND_FACTOR
from privata.infra.plane import current_time, is_fragment

#: How long an authentication counts as recent, seconds (docs/accounts.md).
FRESH_S: Final = 600

#: How long an action waits for its step-up, seconds.
WAITS_S: Final = 900

#: Forms up to this size are kept, bytes; no form of ours comes near it.
LARGEST_FORM: Final = 200_000

_SESSION_HELD: Final = "held_action"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def is_fresh(request: HttpRequest) -> bool:
    """Whether the person has proved who they are within the last ten minutes."""
    age = current_time().timestamp() - float(request.session.get(SESSION_PROVED_AT, 0))
    return 0 <= age < FRESH_S


def fresh(view: View[P]) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """A view that only runs after step-up authentication; also around `@requires`."""

    @functools.wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not isinstance(request.user, User):
            return redirect_to_login(request.get_full_path())
        if is_fresh(request):
            return view(request, *args, **kwargs)
        return hold(request)

    return guarded


def with_second_factor(request: HttpRequest) -> bool:
    """Whether the signed-in person has shown a second factor in this session, at the sign-in or
    later."""
    shown = request.session.get(SESSION_SECOND_FACTOR)
    return shown is not None and shown == request.user.pk


def held_path(request: HttpRequest) -> str | None:
    """The page whose action waits for the step-up; None if none does (any more)."""
    held = request.session.get(_SESSION_HELD)
    if not held or current_time().timestamp() - held["at"] > WAITS_S:
        return None
    return str(held["path"])


def hold(request: HttpRequest) -> HttpResponse:
    """Put the request aside and ask for step-up authentication; `resume` does it then."""
    body = None
    if request.method == "POST" and len(request.body) <= LARGEST_FORM and not request.FILES:
        # Only fields: a file would have to be kept as well, and no sensitive form has one.
        body = request.POST.urlencode()
    request.session[_SESSION_HELD] = {
        "path": request.get_full_path(),
        "body": body,
        "at": current_time().timestamp(),
    }
    confirm = reverse("account_confirm")
    if is_fragment(request):
        return HttpResponse(status=204, headers={"HX-Redirect": confirm})
    return redirect(confirm)


def resume(request: HttpRequest) -> HttpResponseBase:
    """Do what was waiting, exactly once; without anything waiting, go to the security page."""
    path = held_path(request)
    held: dict[str, Any] = request.session.pop(_SESSION_HELD, None) or {}
    if path is None:
        return redirect("account_security")
    if held["body"] is None:
        return redirect(path)
    again = _request_again(request, path, held["body"])
    match = resolve(again.path_info)
    again.resolver_match = match
    return match.func(again, *match.args, **match.kwargs)  # type: ignore[no-any-return]


def _request_again(request: HttpRequest, path: str, body: str) -> HttpRequest:
    """The put-aside POST as it came; it passed the CSRF check then, and the session is the same."""
    again = HttpRequest()
    address, _, query = path.partition("?")
    again.__dict__.update(
        {
            name: request.__dict__[name]
            for name in ("COOKIES", "session", "_messages", "scope")
            if name in request.__dict__
        }
    )
    again.user = request.user
    again.META = request.META | {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": address,
        "QUERY_STRING": query,
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }
    again.method = "POST"
    again.path = again.path_info = address
    again.GET, again.POST = QueryDict(query), QueryDict(body)
    return again
