"""Adding and naming passkeys."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from privata.accounts.factors import service as factors
from privata.accounts.factors.service import PasskeyAdded
from privata.accounts.factors.webauthn import AlgorithmRefused, CeremonyRefused
from privata.accounts.models import User
from privata.accounts.views import ceremonies
from privata.accounts.views.authenticator import after_adding
from privata.accounts.views.common import factors_of, show, signed_in
from privata.accounts.views.places import client_of
from privata.accounts.views.stepup import fresh
from privata.infra.plane import app_context, wait

_OTHER_ALGORITHM: Final = "This passkey uses an unsupported algorithm. Use another device."
_REGISTERED: Final = "This passkey is already registered. Use a different one."


@require_http_methods(["GET", "HEAD", "POST"])
@fresh
@signed_in
def add(request: HttpRequest, user: User) -> HttpResponseBase:
    """Name it, then the browser makes it."""
    name = request.POST.get("name", "").strip()[: factors.NAME_LENGTH]
    suggestion = client_of(request).device
    if request.method != "POST":
        return _page(request, suggestion)
    shown = name or suggestion
    try:
        credential = ceremonies.registered(request, request.POST.get("credential", ""), user)
    except AlgorithmRefused:
        return _page(request, shown, _OTHER_ALGORITHM)
    except CeremonyRefused:
        return _page(request, shown, "Passkey not accepted. Try again.")
    added = wait(
        factors.add_passkey(
            app_context(),
            user_id=user.pk,
            email=user.email,
            name=shown,
            credential=credential,
            client=client_of(request),
        )
    )
    if added is PasskeyAdded.REGISTERED:
        return _page(request, shown, _REGISTERED)
    if added is PasskeyAdded.TOO_MANY:
        most = factors.MOST_PASSKEYS
        messages.error(request, f"You already have {most} passkeys. Remove one first.")
        return redirect("account_security")
    return after_adding(request, user, "Passkey added")


@require_safe
@fresh
@signed_in
def options(request: HttpRequest, user: User) -> JsonResponse:
    """What the browser needs to make a passkey."""
    return JsonResponse(ceremonies.registration_options(request, user))


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def rename(request: HttpRequest, user: User, factor_id: int) -> HttpResponseBase:
    """Another name for a passkey."""
    passkey = next((one for one in factors_of(user).passkeys if one.id == factor_id), None)
    if passkey is None:
        raise Http404
    name = request.POST.get("name", "").strip()
    if request.method == "POST" and name:
        wait(
            factors.rename_passkey(
                app_context(),
                user_id=user.pk,
                email=user.email,
                passkey_id=factor_id,
                name=name,
                client=client_of(request),
            )
        )
        messages.success(request, "Passkey renamed")
        return redirect("account_security")
    errors = ["Enter a name."] if request.method == "POST" else []
    context = {"tab": "security", "passkey": passkey, "errors": errors}
    return show(request, "rename_passkey.html", context, status=422 if errors else 200)


def _page(request: HttpRequest, name: str, error: str = "") -> HttpResponseBase:
    context = {"tab": "security", "name": name, "error": error}
    return show(request, "add_passkey.html", context, status=422 if error else 200)
