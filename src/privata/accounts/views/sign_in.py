"""Signing in: password or passkey, then the second factor, then the question to a new browser."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.stagekit import clear_login, stash_login
from allauth.account.models import Login
from allauth.account.stages import LoginStage, LoginStageController
from allauth.account.views import LoginView
from allauth.mfa.internal.constants import LoginStageKey
from django.contrib import messages
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from privata.accounts import devices, factor_cap, factors, guarding, limits, passkeys
from privata.accounts.adapter import BLOCKED
from privata.accounts.codes import Verdict
from privata.accounts.forms import SignInForm
from privata.accounts.models import User
from privata.accounts.places import place_of
from privata.accounts.stages import NewDeviceStage
from privata.accounts.views.common import safe_path, show
from privata.infra.plane import kernel, wait

_WRONG: Final = "Incorrect code. Use the most recent one."
LOCKED: Final = (
    "Codes are locked for this account after 100 incorrect attempts."
    " Use a passkey, or contact the operator."
)
_TOO_MANY: Final = "Too many incorrect codes. Sign in again."
_PASSKEY_REFUSED: Final = "Passkey not accepted. Try again, or use your password."


class SignInView(LoginView):  # type: ignore[misc]  # allauth ships no types
    """Email and password."""

    template_name = "accounts/login.html"
    form_class = SignInForm

    def form_invalid(self, form: Any) -> HttpResponse:
        blocked = form.has_error("__all__", BLOCKED)
        status = 429 if blocked else 200
        context = self.get_context_data(form=form, blocked=blocked)
        answer: HttpResponse = self.render_to_response(context, status=status)
        return answer

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        found: dict[str, Any] = super().get_context_data(**context)
        common = {
            "messages": get_messages(self.request),
            "blocked": False,
            "passkey_hint": passkeys.hint(self.request),
        }
        return common | found


sign_in = sensitive_post_parameters("password")(SignInView.as_view())


@require_safe
def passkey_options(request: HttpRequest) -> JsonResponse:
    """The challenge for a sign-in with a passkey; the browser knows whose passkeys it has."""
    return JsonResponse(passkeys.sign_in_options())


@require_POST
def with_passkey(request: HttpRequest) -> HttpResponseBase:
    """Sign in with a passkey: it is a second factor in itself."""
    if request.user.is_authenticated:
        return redirect("front_door")
    try:
        passkey = passkeys.proved(request, request.POST.get("credential", ""))
    except passkeys.CeremonyRefused:
        messages.error(request, _PASSKEY_REFUSED)
        return redirect("account_login")
    record_authentication(
        request, passkey.user, "mfa", id=passkey.pk, type=passkey.type, passwordless=True
    )
    after = safe_path(request.GET.get("next", ""))
    answer: HttpResponse = perform_login(request, Login(user=passkey.user, redirect_url=after))
    return answer


def _stage(request: HttpRequest, key: str) -> LoginStage | None:
    """The step that this browser's sign-in waits at; None if it waits elsewhere or nowhere."""
    return None if request.user.is_authenticated else LoginStageController.enter(request, key)


@require_http_methods(["GET", "HEAD", "POST"])
def second_factor(request: HttpRequest) -> HttpResponseBase:
    """A code of the app, a recovery code, or a passkey."""
    stage = _stage(request, LoginStageKey.MFA_AUTHENTICATE.value)
    if stage is None or not isinstance(stage.login.user, User):
        return redirect("account_login")
    if request.method != "POST":
        return _second_factor_page(request, stage)
    if "credential" in request.POST:
        return _second_factor_passkey(request, stage)
    return _second_factor_code(request, stage, request.POST.get("code", ""))


def _second_factor_passkey(request: HttpRequest, stage: LoginStage) -> HttpResponseBase:
    try:
        passkey = passkeys.proved(request, request.POST["credential"], stage.login.user)
    except passkeys.CeremonyRefused:
        return _second_factor_page(request, stage, "Passkey not accepted.")
    record_authentication(request, stage.login.user, "mfa", id=passkey.pk, type=passkey.type)
    answer: HttpResponse = stage.exit()
    return answer


def _second_factor_code(request: HttpRequest, stage: LoginStage, typed: str) -> HttpResponseBase:
    user = stage.login.user
    begun = _round(request, stage)
    if begun is None:
        return _start_over(request)
    count = wait(factor_cap.take(kernel(), user.pk))
    if count is None:
        return _second_factor_page(request, stage, LOCKED)
    codes = stage.state["codes"] = stage.state.get("codes", 0) + 1
    _keep(request, stage)
    taken = wait(limits.take(kernel(), limits.SECOND_FACTOR, str(user.pk)))
    if not taken.granted:  # not judged, so not wrong
        wait(factor_cap.right(kernel(), user.pk, 1))
        wait(guarding.round_failed(kernel(), begun, email=user.email, place=place_of(request)))
        return _start_over(request)
    proof = wait(factors.check_code(kernel(), user_id=user.pk, typed=typed))
    if proof is not None:
        wait(factor_cap.right(kernel(), user.pk, codes))
        wait(guarding.round_succeeded(kernel(), begun, user_id=user.pk, email=user.email))
        record_authentication(request, user, "mfa", type=proof.value)
        answer: HttpResponse = stage.exit()
        return answer
    place = place_of(request)
    wait(factor_cap.wrong(kernel(), user_id=user.pk, email=user.email, count=count, place=place))
    if not taken.last:
        return _second_factor_page(request, stage, _WRONG)
    wait(guarding.round_failed(kernel(), begun, email=user.email, place=place))
    return _start_over(request)


def _round(request: HttpRequest, stage: LoginStage) -> guarding.Round | None:
    """This sign-in's round, begun with its first code; None while the email is blocked."""
    kept = stage.state.get("round")
    if kept is not None:
        return guarding.Round(*kept)
    user = stage.login.user
    begun = wait(guarding.begin_round(kernel(), user_id=user.pk, email=user.email))
    if begun is not None:
        stage.state["round"] = [begun.taken_at, begun.blocked_until]
        _keep(request, stage)
    return begun


def _start_over(request: HttpRequest) -> HttpResponse:
    clear_login(request)
    messages.error(request, _TOO_MANY)
    return redirect("account_login")


def _second_factor_page(request: HttpRequest, stage: LoginStage, error: str = "") -> HttpResponse:
    kinds = set(stage.login.user.authenticator_set.values_list("type", flat=True))
    context = {
        "error": error,
        "has_app": "totp" in kinds,
        "has_passkey": "webauthn" in kinds,
        "recovery": "recovery" in request.GET or "recovery" in request.POST,
        "email": stage.login.user.email,
    }
    return show(request, "second_factor.html", context)


@require_safe
def second_factor_options(request: HttpRequest) -> HttpResponseBase:
    """The challenge for a passkey as second factor."""
    stage = _stage(request, LoginStageKey.MFA_AUTHENTICATE.value)
    if stage is None:
        return JsonResponse({"error": "sign in again"}, status=403)
    return JsonResponse(passkeys.sign_in_options(stage.login.user))


@require_http_methods(["GET", "HEAD", "POST"])
def new_device(request: HttpRequest) -> HttpResponseBase:
    """The mailed code that a new browser needs."""
    stage = _stage(request, NewDeviceStage.key)
    if not isinstance(stage, NewDeviceStage):
        return redirect("account_login")
    if request.method != "POST":
        return _new_device_page(request, stage)
    code_id = stage.code_id
    verdict = (
        Verdict.ENDED
        if code_id is None
        else wait(devices.check_code(kernel(), code_id, request.POST.get("code", "")))
    )
    if verdict is Verdict.RIGHT:
        answer: HttpResponse = stage.exit()
        return answer
    if verdict is Verdict.WRONG:
        return _new_device_page(request, stage, _WRONG)
    clear_login(request)
    messages.error(request, "That code is no longer valid. Sign in again.")
    return redirect("account_login")


@require_POST
def new_device_resend(request: HttpRequest) -> HttpResponseBase:
    """Another code for the new browser; the one before ends."""
    stage = _stage(request, NewDeviceStage.key)
    if not isinstance(stage, NewDeviceStage):
        return redirect("account_login")
    if stage.send():
        messages.success(request, "New code sent")
        _keep(request, stage)
    else:
        messages.error(
            request, "You reached the limit for codes this hour. The last code still works."
        )
    return redirect("account_new_device")


def _new_device_page(request: HttpRequest, stage: NewDeviceStage, error: str = "") -> HttpResponse:
    context = {"error": error, "email": stage.login.user.email, "none": stage.code_id is None}
    return show(request, "new_device.html", context)


def _keep(request: HttpRequest, stage: LoginStage) -> None:
    """Write a changed step back: allauth only peeks at the waiting sign-in."""
    stash_login(request, stage.login)


@require_POST
def start_over(request: HttpRequest) -> HttpResponseBase:
    """Give a waiting sign-in up."""
    if not request.user.is_authenticated:
        clear_login(request)
    return redirect("account_login")
