"""Addresses of signing up and in, and of the pages about one's account."""

from __future__ import annotations

from django.urls import path

from privata.accounts.views import (
    authenticator,
    confirm,
    passkeys,
    reset,
    security,
    sessions,
    sign_in,
    sign_up,
)

urlpatterns = [
    path("login", sign_in.sign_in, name="account_login"),
    path("login/passkey", sign_in.with_passkey, name="account_passkey"),
    path("login/passkey/options", sign_in.passkey_options, name="account_passkey_options"),
    path("login/second-factor", sign_in.second_factor, name="account_second_factor"),
    path(
        "login/second-factor/options",
        sign_in.second_factor_options,
        name="account_second_factor_options",
    ),
    path("login/new-device", sign_in.new_device, name="account_new_device"),
    path("login/new-device/resend", sign_in.new_device_resend, name="account_new_device_resend"),
    path("login/start-over", sign_in.start_over, name="account_start_over"),
    path("logout", sign_in.sign_out, name="account_logout"),
    path("sign-up", sign_up.sign_up, name="account_signup"),
    path("sign-up/code", sign_up.code, name="account_sign_up_code"),
    path("sign-up/resend", sign_up.resend, name="account_sign_up_resend"),
    path("reset", reset.ask, name="account_reset"),
    path("reset/sent", reset.sent, name="account_reset_sent"),
    path("reset/<str:token>", reset.use, name="account_reset_use"),
    path("confirm", confirm.confirm, name="account_confirm"),
    path("confirm/options", confirm.options, name="account_confirm_options"),
    path("account/security", security.security, name="account_security"),
    path("account/security/password", security.password, name="account_password"),
    path("account/security/app", authenticator.app, name="account_app"),
    path("account/security/recovery", authenticator.recovery_codes, name="account_recovery"),
    path(
        "account/security/recovery/codes.txt",
        authenticator.recovery_file,
        name="account_recovery_file",
    ),
    path("account/security/recovery/new", authenticator.new_codes, name="account_new_codes"),
    path("account/security/passkeys/add", passkeys.add, name="account_add_passkey"),
    path("account/security/passkeys/options", passkeys.options, name="account_add_options"),
    path(
        "account/security/passkeys/<number:factor_id>",
        passkeys.rename,
        name="account_rename_passkey",
    ),
    path(
        "account/security/factors/<number:factor_id>/remove",
        authenticator.remove,
        name="account_remove_factor",
    ),
    path("account/sessions", sessions.index, name="account_sessions"),
    path("account/sessions/others/revoke", sessions.revoke_others, name="account_revoke_others"),
    path(
        "account/sessions/<number:session_id>/revoke",
        sessions.revoke,
        name="account_revoke_session",
    ),
]
