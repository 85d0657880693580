"""Settings, Security: what guards the account, and changing the password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from privata.accounts import limits, passwords
from privata.accounts.factors import recovery
from privata.accounts.factors import service as factors
from privata.accounts.forms import NewPasswordForm, problems
from privata.accounts.hashing import HashingBusy
from privata.accounts.models import User
from privata.accounts.views.browser import note_authentication
from privata.accounts.views.common import factors_of, show, signed_in
from privata.accounts.views.places import client_of
from privata.infra.plane import app_context, wait


@require_safe
@signed_in
def security(request: HttpRequest, user: User) -> HttpResponse:
    """Password, authenticator app, passkeys and recovery codes at a glance."""
    mine = factors_of(user)
    codes = mine.codes
    left = codes.codes_left if codes else 0
    context = {
        "tab": "security",
        "totp": mine.app,
        "passkeys": mine.passkeys,
        "most_passkeys": factors.MOST_PASSKEYS,
        "is_on": user.recovery_confirmed_at is not None,
        "unfinished": codes is not None and not codes.confirmed,
        "codes_left": left,
        "few_codes": left <= recovery.FEW,
        "has_codes": codes is not None,
        "codes_total": recovery.COUNT,
        "email": user.email,
    }
    return show(request, "security.html", context)


@sensitive_post_parameters("current", "password")
@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def password(request: HttpRequest, user: User) -> HttpResponseBase:
    """Choose another password; every other session ends."""
    form = NewPasswordForm(request.POST if request.method == "POST" else None, email=user.email)
    if request.method == "POST":
        _check_current(request, user, form)
        if form.is_valid():
            wait(
                passwords.change(
                    app_context(),
                    user_id=user.pk,
                    email=user.email,
                    password_hash=make_password(form.cleaned_data["password"]),
                    client=client_of(request),
                )
            )
            user.refresh_from_db(fields=["password"])
            update_session_auth_hash(request, user)
            note_authentication(request)
            messages.success(request, "Password changed. Your other sessions have ended.")
            return redirect("account_security")
    context: dict[str, Any] = {
        "tab": "security",
        "email": user.email,
        "current_errors": problems(form, "current"),
        "password_errors": problems(form, "password"),
    }
    return show(request, "password.html", context, status=422 if form.is_bound else 200)


def _check_current(request: HttpRequest, user: User, form: NewPasswordForm) -> None:
    error = password_error(request, user, request.POST.get("current", ""))
    if error:
        form.add_error("current", error)


def password_error(request: HttpRequest, user: User, typed: str) -> str:
    """Why `typed` is not taken as the person's password; "" if it is right. Counts wrong ones."""
    hashed = user.password
    taken = wait(limits.take(app_context(), limits.STEP_UP, str(user.pk)))
    if not taken.granted:
        return "Too many failed attempts. Try again in 15 minutes."
    try:
        right = user.check_password(typed)
    except HashingBusy:
        wait(limits.give_back(app_context(), taken))
        raise
    if not right:
        return "Incorrect current password."
    if user.password != hashed:
        # The same password under a new hash: the session was bound to the old one.
        update_session_auth_hash(request, user)
    wait(limits.give_back(app_context(), taken))
    return ""
