"""What we change of allauth. It checks passwords, leads a sign-in through its steps, and runs the
ceremonies of passkeys; limits, codes, mails and sessions are ours (docs/accounts.md).

Besides this file there are our login step (`stages.py`), our pages, and `passkeys.py`.
"""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib.auth import authenticate
from django.http import HttpRequest, HttpResponse

from privata.accounts import guarding
from privata.accounts.browser import finish_sign_in
from privata.accounts.forms import SIGN_IN_FAILED
from privata.accounts.hashing import HashingBusy
from privata.accounts.models import User
from privata.accounts.places import place_of
from privata.infra.plane import kernel, wait
from privata.infra.settings import LOOPBACK

#: The code of the form error while an address or an email is blocked.
BLOCKED = "too_many_login_attempts"


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Passwords under our limits; sign-ins that end with our device memory."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": SIGN_IN_FAILED,
        BLOCKED: "Too many attempts",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Our own sign-up makes accounts; allauth's is not routed."""
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """allauth's notices ("signed in as ...") only repeat what the page shows."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Mails are queued by our services; allauth has none to send."""
        raise AssertionError(f"allauth wants to send {template_prefix}")

    def get_client_ip(self, request: HttpRequest) -> str:
        return place_of(request).ip or ""

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """The person, or None; a form error while blocked. Somebody deactivated gets None too."""
        email, place = credentials["email"], place_of(request)
        entry = wait(guarding.enter(kernel(), email=email, place=place))
        if entry is None:
            raise self.validation_error(BLOCKED)
        try:
            user = authenticate(request, **credentials)
        except HashingBusy:
            # Nothing was judged: it was no try.
            wait(guarding.succeeded(kernel(), entry))
            raise
        # allauth keeps deactivated people aside here, to tell them so; nobody is told.
        AuthenticationBackend.unstash_authenticated_user()
        if isinstance(user, User):
            wait(guarding.succeeded(kernel(), entry))
            return user
        wait(guarding.failed(kernel(), entry, email=email, place=place))
        return None

    def get_login_stages(self) -> list[str]:
        """What follows a right password: the second factor, then the question to a new browser."""
        return ["allauth.mfa.stages.AuthenticateStage", "privata.accounts.stages.NewDeviceStage"]

    def pre_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse | None:
        """A half-finished sign-in begins under a new token as well."""
        if request.session.session_key:
            request.session.cycle_key()
        answer: HttpResponse | None = super().pre_login(request, user, **facts)
        return answer

    def post_login(self, request: HttpRequest, user: User, **facts: Any) -> HttpResponse:
        """Remember the browser, record the sign-in, tell about a new browser."""
        response: HttpResponse = super().post_login(request, user, **facts)
        finish_sign_in(request, response, user, signing_up=bool(facts.get("signup")))
        return response


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """Second factors count only after a recovery code was typed back, and nothing lies open."""

    def is_mfa_enabled(self, user: User, types: Any = None) -> bool:
        if not isinstance(user, User) or user.recovery_confirmed_at is None:
            return False
        return bool(super().is_mfa_enabled(user, types=types))

    def encrypt(self, text: str) -> str:
        """Our factors are sealed bound to their person; this is for what allauth itself stores."""
        return base64.b64encode(kernel().sealer.seal(text.encode(), "allauth.mfa")).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return kernel().sealer.unseal(base64.b64decode(encrypted_text), "allauth.mfa").decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Passkeys belong to the host of the public address, whatever name a request came by."""
        host = urlsplit(kernel().settings.base_url).hostname or "localhost"
        # Browsers know no passkeys for an IP address; a laptop's installation is localhost too.
        return {"id": "localhost" if host in LOOPBACK else host, "name": "Privata"}
