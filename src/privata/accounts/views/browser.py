"""What the browser keeps for us: its device token. And the end of a sign-in that reads it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from privata.accounts import devices
from privata.accounts.models import User
from privata.accounts.views.places import client_of
from privata.infra.plane import app_context, current_time, wait

_COOKIE: Final = "device"
_SALT: Final = "privata.device"

#: Browsers keep a cookie for 400 days at most; each sign-in renews it.
_AGE: Final = timedelta(days=400)

#: When the person last proved who they are, seconds since the epoch, in the session.
SESSION_PROVED_AT: Final = "proved_at"

#: Whose second factor was shown in the session: their id.
SESSION_SECOND_FACTOR: Final = "second_factor_of"


def device_token(request: HttpRequest) -> str | None:
    """The token of this browser, if it carries one that we signed."""
    token = request.get_signed_cookie(_name(), default=None, salt=_SALT)
    return token if isinstance(token, str) else None


def device_is_known(request: HttpRequest, user: User) -> bool:
    """Whether the person has signed in from this browser before."""
    return wait(devices.is_known(app_context(), user_id=user.pk, token=device_token(request)))


def note_authentication(request: HttpRequest) -> None:
    """The person has proved who they are just now."""
    request.session[SESSION_PROVED_AT] = current_time().timestamp()


def note_second_factor(request: HttpRequest, user: User) -> None:
    """The person has shown a second factor in this session."""
    request.session[SESSION_SECOND_FACTOR] = user.pk


def forget_second_factor(request: HttpRequest) -> None:
    """A sign-in begins or was given up: what it showed counts no more."""
    request.session.pop(SESSION_SECOND_FACTOR, None)


def finish_sign_in(
    request: HttpRequest, response: HttpResponse, user: User, *, signing_up: bool
) -> None:
    """Remember the browser; a browser that was new is told of by mail, but not at the sign-up."""
    note_authentication(request)
    known = device_is_known(request, user)
    token = device_token(request) or secrets.token_urlsafe(32)
    wait(
        devices.signed_in(
            app_context(),
            user_id=user.pk,
            email=user.email,
            token=token,
            client=client_of(request),
            tell=not known and not signing_up,
        )
    )
    response.set_signed_cookie(
        _name(),
        token,
        salt=_SALT,
        max_age=_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def _name() -> str:
    return f"__Host-{_COOKIE}" if settings.SESSION_COOKIE_SECURE else _COOKIE
