"""What we change of allauth: everything stands here and in our templates."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """Sign-up happens by the operator's hand until self-service sign-up is switched on."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        # One sentence for every failure: nothing tells whether an address has an account.
        "email_password_mismatch": "Email or password incorrect",
        "account_inactive": "Email or password incorrect",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """allauth's notices ("signed in as ...") only repeat what the page shows."""
