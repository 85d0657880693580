"""Setting up the authenticator app and the recovery codes; taking factors away."""

from __future__ import annotations

from typing import Any, Final

import segno
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe
from markupsafe import Markup

from privata.accounts import limits
from privata.accounts.factors import recovery, totp
from privata.accounts.factors import service as factors
from privata.accounts.models import User
from privata.accounts.views.browser import note_authentication, note_second_factor
from privata.accounts.views.common import factors_of, show, signed_in
from privata.accounts.views.places import client_of
from privata.accounts.views.stepup import fresh
from privata.infra.plane import app_context, wait

#: In the session, sealed: a secret before its code was typed; codes before one was typed back.
_SECRET: Final = "totp_secret"  # noqa: S105 - a key of the session
_CODES: Final = "recovery_codes"

_WRONG: Final = "Incorrect code. Check that the clock on your device is correct."


@require_http_methods(["GET", "HEAD", "POST"])
@fresh
@signed_in
def app(request: HttpRequest, user: User) -> HttpResponseBase:
    """Scan, type the code, done: it takes effect only when the code was right."""
    secret = request.session.get(_SECRET)
    if secret is None:
        secret = request.session[_SECRET] = totp.new_secret()
    error = ""
    if request.method == "POST":
        added = wait(
            factors.add_totp(
                app_context(),
                user_id=user.pk,
                email=user.email,
                secret=secret,
                typed=request.POST.get("code", ""),
                client=client_of(request),
            )
        )
        if added:
            del request.session[_SECRET]
            return after_adding(request, user, "Authenticator app added")
        error = _WRONG
    context = {
        "tab": "security",
        "qr": _qr(totp.uri(secret, user.email)),
        "secret": secret,
        "grouped": totp.grouped(secret),
        "error": error,
    }
    return show(request, "app.html", context)


def after_adding(request: HttpRequest, user: User, said: str) -> HttpResponseBase:
    """The first factor brings recovery codes; further ones find them there."""
    request.session.cycle_key()
    note_authentication(request)
    messages.success(request, said)
    if factors_of(user).codes is not None and user.recovery_confirmed_at is not None:
        return redirect("account_security")
    _make_codes(request, user)
    return redirect("account_recovery")


@require_http_methods(["GET", "HEAD", "POST"])
@fresh
@signed_in
def recovery_codes(request: HttpRequest, user: User) -> HttpResponseBase:
    """The codes, until one of them was typed back: that one is spent, and the rest is not shown
    again."""
    codes = request.session.get(_CODES)
    if codes is None:
        return redirect("account_security")
    error = ""
    if request.method == "POST":
        taken = wait(limits.take(app_context(), limits.STEP_UP, str(user.pk)))
        right = taken.granted and wait(
            factors.confirm_recovery(
                app_context(),
                user_id=user.pk,
                email=user.email,
                typed=request.POST.get("code", ""),
                client=client_of(request),
            )
        )
        if right:
            wait(limits.give_back(app_context(), taken))
            del request.session[_CODES]
            request.session.cycle_key()
            # This session has shown a second factor, so the console opens to it (console.access).
            note_second_factor(request, user)
            messages.success(request, "Two-factor sign-in is on")
            return redirect("account_security")
        error = (
            "That code is not in the list above. Enter a code exactly as shown."
            if taken.granted
            else "Too many failed attempts. Try again in 15 minutes."
        )
    context = {"tab": "security", "codes": codes, "error": error}
    return show(request, "recovery.html", context)


@require_safe
@fresh
@signed_in
def recovery_file(request: HttpRequest, user: User) -> HttpResponse:
    """The codes as a file, as long as they are shown."""
    codes = request.session.get(_CODES)
    if codes is None:
        raise Http404
    address = app_context().settings.base_url
    return HttpResponse(
        recovery.as_text(codes, email=user.email, address=address),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="privata-recovery-codes.txt"'},
    )


@require_http_methods(["POST"])
@fresh
@signed_in
def new_codes(request: HttpRequest, user: User) -> HttpResponseBase:
    """Ten new codes; the old ones end."""
    if not factors_of(user).proofs:
        return redirect("account_security")
    _make_codes(request, user)
    return redirect("account_recovery")


@require_http_methods(["GET", "HEAD", "POST"])
@fresh
@signed_in
def remove(request: HttpRequest, user: User, factor_id: int) -> HttpResponseBase:
    """Take a factor away; says first what that means."""
    mine = factors_of(user).proofs
    factor = next((one for one in mine if one.id == factor_id), None)
    if factor is None:
        raise Http404
    if request.method != "POST":
        context: dict[str, Any] = {
            "tab": "security",
            "factor": factor,
            "name": factor.name or "Authenticator app",
            "is_last": len(mine) == 1,
        }
        return show(request, "remove_factor.html", context)
    wait(
        factors.remove(
            app_context(),
            user_id=user.pk,
            email=user.email,
            factor_id=factor_id,
            client=client_of(request),
        )
    )
    request.session.pop(_CODES, None)
    messages.success(request, "Removed")
    return redirect("account_security")


def _make_codes(request: HttpRequest, user: User) -> None:
    request.session[_CODES] = list(
        wait(
            factors.new_recovery_codes(
                app_context(), user_id=user.pk, email=user.email, client=client_of(request)
            )
        )
    )


def _qr(text: str) -> Markup:
    """The QR code as SVG: dark on the white tile around it, in both themes."""
    drawn = segno.make(text, error="m", micro=False).svg_inline(
        scale=4, border=0, dark="#000", light=None, omitsize=True, svgclass="qr", lineclass=None
    )
    return Markup(drawn)  # noqa: S704 - made of modules of a QR code, nothing typed is in it
