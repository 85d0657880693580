"""Settings, Sessions: where one is signed in, and ending it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from privata.accounts import reading, sessions
from privata.accounts.client import Client
from privata.accounts.models import User
from privata.accounts.views.common import show, signed_in
from privata.accounts.views.places import client_of
from privata.infra.plane import app_context, wait


@require_safe
@signed_in
def index(request: HttpRequest, user: User) -> HttpResponse:
    """Every living session of the person, the present one first."""
    alive = wait(reading.sessions_of(app_context(), user.pk))
    mine = sessions.digest_of(request.session.session_key or "")
    rows = [(row, Client(row.ip, row.user_agent), row.key_digest == mine) for row in alive]
    rows.sort(key=lambda row: not row[2])
    context = {"tab": "sessions", "rows": rows, "most": sessions.MOST_PER_USER}
    return show(request, "sessions.html", context)


@require_POST
@signed_in
def revoke(request: HttpRequest, user: User, session_id: int) -> HttpResponseBase:
    """End one session."""
    ended = wait(
        sessions.end_one(
            app_context(),
            user_id=user.pk,
            email=user.email,
            session_id=session_id,
            client=client_of(request),
        )
    )
    if not ended:
        raise Http404
    messages.success(request, "Session ended")
    return redirect("account_sessions")


@require_POST
@signed_in
def revoke_others(request: HttpRequest, user: User) -> HttpResponseBase:
    """End every session but this one."""
    wait(
        sessions.end_others(
            app_context(), user_id=user.pk, email=user.email, client=client_of(request)
        )
    )
    messages.success(request, "All other sessions ended")
    return redirect("account_sessions")
