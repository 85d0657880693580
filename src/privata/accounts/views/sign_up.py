"""Signing up: address and password, then the mailed code, and only then an account."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from privata.accounts import signing_up
from privata.accounts.codes import CodeCheck
from privata.accounts.forms import SignUpForm, problems
from privata.accounts.hashing import HashingBusy
from privata.accounts.limits import SIGN_UP_MAILS
from privata.accounts.views import steps
from privata.accounts.views.common import safe_path, show
from privata.accounts.views.people import person
from privata.accounts.views.places import client_of
from privata.infra.plane import app_context, wait

#: The sign-up that waits for its code: address, password hash and code id, sealed in the session.
_WAITING: Final = "sign_up"

_WRONG: Final = "Incorrect code. Use the most recent one."
_ENDED: Final = "That code is no longer valid. Request a new one."
#: The window of the limits of mails, seconds.
_WINDOW_S: Final = int(SIGN_UP_MAILS.window.total_seconds())

_NO_MORE: Final = "You reached the limit for codes to this address this hour."


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponseBase:
    """Address and password. Every address is answered the same, known or not."""
    if request.user.is_authenticated:
        return redirect("index")
    form = SignUpForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        after = request.POST.get("next") or request.GET.get("next", "")
        context = _fields(form) | {"next": safe_path(after) or ""}
        return show(request, "sign_up.html", context, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    # The limits come before the hash, which costs a thousand times as much.
    attempt = wait(signing_up.enter(app_context(), email=email, client=client_of(request)))
    if attempt is None:
        context = _fields(form) | {"next": safe_path(request.POST.get("next", "")) or ""}
        context["email_errors"] = [_NO_MORE]
        answer = show(request, "sign_up.html", context, status=429)
        answer.headers["Retry-After"] = str(_WINDOW_S)
        return answer
    # The hash is made for every address: its time must not tell which ones have an account.
    try:
        hashed = make_password(form.cleaned_data["password"])
    except HashingBusy:
        wait(signing_up.leave(app_context(), attempt))
        raise
    code = wait(signing_up.send_code(app_context(), email=email))
    request.session.cycle_key()
    request.session[_WAITING] = {
        "email": email,
        "password": hashed,
        "next": safe_path(request.POST.get("next", "")),
        "code": str(code),
    }
    return redirect("account_sign_up_code")


def _fields(form: SignUpForm) -> dict[str, Any]:
    return {
        "email": form.data.get("email", "") if form.is_bound else "",
        "email_errors": problems(form, "email"),
        "password_errors": problems(form, "password"),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def code(request: HttpRequest) -> HttpResponseBase:
    """The mailed code; the right one makes the account and signs in."""
    waiting = request.session.get(_WAITING)
    if waiting is None or request.user.is_authenticated:
        return redirect("account_signup")
    if request.method != "POST":
        return _code_page(request, waiting, "")
    made = wait(
        signing_up.finish(
            app_context(),
            code_id=UUID(waiting["code"]),
            typed=request.POST.get("code", ""),
            password_hash=waiting["password"],
            client=client_of(request),
        )
    )
    if isinstance(made, CodeCheck):
        return _code_page(request, waiting, _WRONG if made is CodeCheck.WRONG else _ENDED)
    del request.session[_WAITING]
    user = person(made)
    assert user is not None, "made a moment ago"
    return steps.begin(request, user, after=waiting["next"], signing_up=True)


@require_POST
def resend(request: HttpRequest) -> HttpResponseBase:
    """Another code; the one before ends."""
    waiting = request.session.get(_WAITING)
    if waiting is None:
        return redirect("account_signup")
    email = waiting["email"]
    if wait(signing_up.enter(app_context(), email=email, client=client_of(request))) is None:
        messages.error(request, _NO_MORE)
    else:
        before = UUID(waiting["code"])
        made = wait(signing_up.send_code(app_context(), email=email, instead_of=before))
        request.session[_WAITING] = waiting | {"code": str(made)}
        messages.success(request, "New code sent")
    return redirect("account_sign_up_code")


def _code_page(request: HttpRequest, waiting: dict[str, Any], error: str) -> HttpResponse:
    return show(request, "sign_up_code.html", {"error": error, "email": waiting["email"]})
