"""The step-up question, in the middle of something."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from privata.accounts import limits
from privata.accounts.factors import cap as factor_cap
from privata.accounts.factors import service as factors
from privata.accounts.factors.webauthn import CeremonyRefused
from privata.accounts.models import User
from privata.accounts.views import ceremonies
from privata.accounts.views.browser import note_authentication, note_second_factor
from privata.accounts.views.common import factors_of, show, signed_in
from privata.accounts.views.places import client_of
from privata.accounts.views.security import password_error
from privata.accounts.views.sign_in import LOCKED
from privata.accounts.views.stepup import held_path, resume
from privata.infra.plane import app_context, wait


@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def confirm(request: HttpRequest, user: User) -> HttpResponseBase:
    """Ask for the second factor, or for the password of who has none; then go on."""
    if request.method != "POST":
        if held_path(request) is None:
            return redirect("account_security")
        return _page(request, user, "")
    error = _refusal(request, user)
    if error:
        return _page(request, user, error)
    note_authentication(request)
    request.session.cycle_key()
    if held_path(request) is None:
        messages.error(request, "Your confirmation timed out. Repeat the action.")
    return resume(request)


def _refusal(request: HttpRequest, user: User) -> str:
    """Why the answer is not taken; "" if it is."""
    if "credential" in request.POST:
        try:
            ceremonies.proved(request, request.POST["credential"], user)
        except CeremonyRefused:
            return "Passkey not accepted."
        note_second_factor(request, user)
        return ""
    if user.recovery_confirmed_at is None:
        return password_error(request, user, request.POST.get("password", ""))
    taken = wait(limits.take(app_context(), limits.STEP_UP, str(user.pk)))
    if not taken.granted:
        return "Too many failed attempts. Try again in 15 minutes."
    typed = request.POST.get("code", "")
    count = wait(factor_cap.take(app_context(), user.pk))
    if count is None:
        return LOCKED
    if wait(factors.check_code(app_context(), user_id=user.pk, typed=typed)) is None:
        client = client_of(request)
        wait(
            factor_cap.wrong(
                app_context(), user_id=user.pk, email=user.email, count=count, client=client
            )
        )
        return "Incorrect code."
    wait(factor_cap.right(app_context(), user.pk, 1))
    wait(limits.give_back(app_context(), taken))
    note_second_factor(request, user)
    return ""


@require_safe
@signed_in
def options(request: HttpRequest, user: User) -> JsonResponse:
    """The challenge for a passkey as step-up."""
    return JsonResponse(ceremonies.sign_in_options(request, user))


def _page(request: HttpRequest, user: User, error: str) -> HttpResponse:
    mine = factors_of(user)
    context = {
        "error": error,
        "with_code": user.recovery_confirmed_at is not None,
        "has_app": mine.app is not None,
        "has_passkey": bool(mine.passkeys),
        "recovery": "recovery" in request.GET or "recovery" in request.POST,
        "email": user.email,
    }
    return show(request, "confirm.html", context)
