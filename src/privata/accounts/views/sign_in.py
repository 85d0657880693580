"""Signing in: password or passkey, then the second factor, then the question to a new browser."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate, logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.accounts import devices, guarding, limits
from privata.accounts.codes import CodeCheck
from privata.accounts.factors import cap as factor_cap
from privata.accounts.factors import service as factors
from privata.accounts.factors.webauthn import CeremonyRefused
from privata.accounts.forms import SIGN_IN_FAILED, SignInForm
from privata.accounts.models import User
from privata.accounts.views import ceremonies, steps
from privata.accounts.views.browser import note_second_factor
from privata.accounts.views.common import factors_of, safe_path, show
from privata.accounts.views.places import client_of
from privata.accounts.views.steps import SignIn, Step
from privata.infra.plane import app_context, wait

_WRONG: Final = "Incorrect code. Use the most recent one."
LOCKED: Final = (
    "Codes are locked for this account after 100 incorrect attempts."
    " Use a passkey, or contact the operator."
)
_TOO_MANY: Final = "Too many incorrect codes. Sign in again."
_PASSKEY_REFUSED: Final = "Passkey not accepted. Try again, or use your password."


class _Blocked(Exception):
    """The address or the email has no try left."""


@never_cache
@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Email and password. A sign-in that waits at a later step goes on there."""
    after = safe_path(request.POST.get("next") or request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(after or settings.LOGIN_REDIRECT_URL)
    begun = steps.waiting(request)
    if begun is not None:
        return redirect(steps.PAGES[begun.step])
    form = SignInForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _sign_in_page(request, form, after)
    try:
        user = _checked(request, form.cleaned_data["login"], form.cleaned_data["password"])
    except _Blocked:
        return _sign_in_page(request, form, after, blocked=True)
    if user is None:
        form.add_error(None, SIGN_IN_FAILED)
        return _sign_in_page(request, form, after)
    return steps.begin(request, user, after=after)


def _checked(request: HttpRequest, email: str, password: str) -> User | None:
    """Whose email and password these are; None for nobody's, and for somebody deactivated."""
    client = client_of(request)
    entry = wait(guarding.enter(app_context(), email=email, client=client))
    if entry is None:
        raise _Blocked
    try:
        user = authenticate(request, username=email, password=password)
    except Exception:
        # No turn for the hash, or no database: nothing was judged, so it was no try.
        wait(guarding.succeeded(app_context(), entry))
        raise
    if isinstance(user, User):
        wait(guarding.succeeded(app_context(), entry))
        return user
    wait(guarding.failed(app_context(), entry, email=email, client=client))
    return None


def _sign_in_page(
    request: HttpRequest, form: SignInForm, after: str | None, *, blocked: bool = False
) -> HttpResponse:
    context = {"form": form, "next": after, "blocked": blocked}
    return show(request, "login.html", context, status=429 if blocked else 200)


@require_safe
def passkey_options(request: HttpRequest) -> JsonResponse:
    """The challenge for a sign-in with a passkey; the browser knows whose passkeys it has."""
    return JsonResponse(ceremonies.sign_in_options(request))


@require_POST
def with_passkey(request: HttpRequest) -> HttpResponseBase:
    """Sign in with a passkey: it is a second factor in itself."""
    if request.user.is_authenticated:
        return redirect("index")
    try:
        shown = ceremonies.proved(request, request.POST.get("credential", ""))
    except CeremonyRefused:
        messages.error(request, _PASSKEY_REFUSED)
        return redirect("account_login")
    after = safe_path(request.GET.get("next", ""))
    return steps.begin(request, shown.user, after=after, passkey=shown.passkey)


@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """A code of the app, a recovery code, or a passkey."""
    begun = steps.waiting(request, Step.SECOND_FACTOR)
    if begun is None:
        return redirect("account_login")
    if request.method != "POST":
        return _second_factor_page(request, begun)
    if "credential" in request.POST:
        return _second_factor_passkey(request, begun)
    return _second_factor_code(request, begun, request.POST.get("code", ""))


def _second_factor_passkey(request: HttpRequest, begun: SignIn) -> HttpResponseBase:
    try:
        begun.passkey = ceremonies.proved(request, request.POST["credential"], begun.user).passkey
    except CeremonyRefused:
        return _second_factor_page(request, begun, "Passkey not accepted.")
    note_second_factor(request, begun.user)
    return steps.passed(request, begun)


def _second_factor_code(request: HttpRequest, begun: SignIn, typed: str) -> HttpResponseBase:
    user = begun.user
    turn = _round(request, begun)
    if turn is None:
        return _start_over(request)
    count = wait(factor_cap.take(app_context(), user.pk))
    if count is None:
        return _second_factor_page(request, begun, LOCKED)
    codes = begun.state["codes"] = begun.state.get("codes", 0) + 1
    steps.keep(request, begun)
    taken = wait(limits.take(app_context(), limits.SECOND_FACTOR, str(user.pk)))
    if not taken.granted:  # not judged, so not wrong
        wait(factor_cap.right(app_context(), user.pk, 1))
        wait(
            guarding.round_failed(app_context(), turn, email=user.email, client=client_of(request))
        )
        return _start_over(request)
    if wait(factors.check_code(app_context(), user_id=user.pk, typed=typed)) is not None:
        wait(factor_cap.right(app_context(), user.pk, codes))
        wait(guarding.round_succeeded(app_context(), turn, user_id=user.pk, email=user.email))
        note_second_factor(request, user)
        return steps.passed(request, begun)
    client = client_of(request)
    wait(
        factor_cap.wrong(
            app_context(), user_id=user.pk, email=user.email, count=count, client=client
        )
    )
    if not taken.last:
        return _second_factor_page(request, begun, _WRONG)
    wait(guarding.round_failed(app_context(), turn, email=user.email, client=client))
    return _start_over(request)


def _round(request: HttpRequest, begun: SignIn) -> guarding.Round | None:
    """This sign-in's round, begun with its first code; None while the email is blocked."""
    kept = begun.state.get("round")
    if kept is not None:
        return guarding.Round(*kept)
    user = begun.user
    turn = wait(guarding.begin_round(app_context(), user_id=user.pk, email=user.email))
    if turn is not None:
        begun.state["round"] = [turn.taken_at, turn.blocked_until]
        steps.keep(request, begun)
    return turn


def _start_over(request: HttpRequest) -> HttpResponse:
    steps.give_up(request)
    messages.error(request, _TOO_MANY)
    return redirect("account_login")


def _second_factor_page(request: HttpRequest, begun: SignIn, error: str = "") -> HttpResponse:
    factors = factors_of(begun.user)
    context = {
        "error": error,
        "has_app": factors.app is not None,
        "has_passkey": bool(factors.passkeys),
        "recovery": "recovery" in request.GET or "recovery" in request.POST,
        "email": begun.user.email,
    }
    return show(request, "second_factor.html", context)


@require_safe
def second_factor_options(request: HttpRequest) -> HttpResponseBase:
    """The challenge for a passkey as second factor."""
    begun = steps.waiting(request, Step.SECOND_FACTOR)
    if begun is None:
        return JsonResponse({"error": "sign in again"}, status=403)
    return JsonResponse(ceremonies.sign_in_options(request, begun.user))


@require_http_methods(["GET", "HEAD", "POST"])
def new_device(request: HttpRequest) -> HttpResponseBase:
    """The mailed code that a new browser needs."""
    begun = steps.waiting(request, Step.NEW_DEVICE)
    if begun is None:
        return redirect("account_login")
    if request.method != "POST":
        return _new_device_page(request, begun)
    code_id = begun.code_id
    check = (
        CodeCheck.ENDED
        if code_id is None
        else wait(devices.check_code(app_context(), code_id, request.POST.get("code", "")))
    )
    if check is CodeCheck.RIGHT:
        return steps.passed(request, begun)
    if check is CodeCheck.WRONG:
        return _new_device_page(request, begun, _WRONG)
    steps.give_up(request)
    messages.error(request, "That code is no longer valid. Sign in again.")
    return redirect("account_login")


@require_POST
def new_device_resend(request: HttpRequest) -> HttpResponseBase:
    """Another code for the new browser; the one before ends."""
    begun = steps.waiting(request, Step.NEW_DEVICE)
    if begun is None:
        return redirect("account_login")
    if steps.send_code(request, begun):
        messages.success(request, "New code sent")
        steps.keep(request, begun)
    else:
        messages.error(
            request, "You reached the limit for codes this hour. The last code still works."
        )
    return redirect("account_new_device")


def _new_device_page(request: HttpRequest, begun: SignIn, error: str = "") -> HttpResponse:
    context = {"error": error, "email": begun.user.email, "none": begun.code_id is None}
    return show(request, "new_device.html", context)


@require_POST
def start_over(request: HttpRequest) -> HttpResponseBase:
    """Give a waiting sign-in up."""
    if not request.user.is_authenticated:
        steps.give_up(request)
    return redirect("account_login")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_out(request: HttpRequest) -> HttpResponseBase:
    """End the session. Opened by address it asks first: a link must not sign anybody out."""
    if request.method != "POST" and request.user.is_authenticated:
        return show(request, "logout.html", {})
    if request.method == "POST":
        logout(request)
    return redirect("account_login")
