"""A forgotten password: asking for the link, and using it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from privata.accounts import resetting
from privata.accounts.forms import EmailForm, NewPasswordForm, problems
from privata.accounts.views import steps
from privata.accounts.views.common import show
from privata.accounts.views.places import client_of
from privata.infra.plane import app_context, wait


@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponseBase:
    """Ask for a link. The answer is always the same."""
    form = EmailForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        context = {
            "email": form.data.get("email", "") if form.is_bound else "",
            "email_errors": problems(form, "email"),
        }
        return show(request, "reset.html", context, status=422 if form.is_bound else 200)
    email = form.cleaned_data["email"]
    wait(resetting.request_link(app_context(), email=email, client=client_of(request)))
    return redirect("account_reset_sent")


@require_safe
def sent(request: HttpRequest) -> HttpResponseBase:
    """Where to look now."""
    return show(request, "reset_sent.html", {})


@sensitive_post_parameters("password")
@sensitive_variables("token")
@require_http_methods(["GET", "HEAD", "POST"])
def use(request: HttpRequest, token: str) -> HttpResponseBase:
    """Set a new password by the link. Looking does not use it up: mail programs look, too."""
    email = wait(resetting.email_of(app_context(), token))
    if email is None:
        return show(request, "reset_over.html", {}, status=410)
    form = NewPasswordForm(request.POST if request.method == "POST" else None, email=email)
    if request.method == "POST" and form.is_valid():
        hashed = make_password(form.cleaned_data["password"])
        done = wait(
            resetting.set_password(
                app_context(), token=token, password_hash=hashed, client=client_of(request)
            )
        )
        if not done:
            return show(request, "reset_over.html", {}, status=410)
        if not request.user.is_authenticated:
            # The next page asks for the new password, not for the rest of an older sign-in.
            steps.give_up(request)
        messages.success(request, "Password changed. Sign in with your new password.")
        return redirect("account_login")
    context = {"email": email, "password_errors": problems(form, "password")}
    return show(request, "reset_use.html", context, status=422 if form.is_bound else 200)
