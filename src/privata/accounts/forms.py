"""Checks of what people type on the account pages."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.fields import PasswordField
from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from privata.accounts.hashing import LONGEST_PASSWORD, normalized
from privata.accounts.models import User

#: The answer to every sign-in that fails: nothing tells whether an address has an account.
SIGN_IN_FAILED: Final = "Incorrect email or password"


class SignInForm(LoginForm):  # type: ignore[misc]  # allauth ships no types
    """allauth's, with an end to the password: a longer one is nobody's and is not looked at."""

    password = PasswordField(
        max_length=LONGEST_PASSWORD, error_messages={"max_length": SIGN_IN_FAILED}
    )


class EmailForm(forms.Form):
    """An address, in small letters."""

    email = forms.EmailField(
        max_length=254,
        error_messages={
            "required": "Enter your email address.",
            "invalid": "Enter a valid email address.",
        },
    )

    def clean_email(self) -> str:
        """Addresses are compared without regard to case."""
        return str(self.cleaned_data["email"]).strip().lower()


def check_password(password: str, email: str) -> None:
    """`ValidationError` for a short, common, or address-like password (docs/accounts.md)."""
    validate_password(normalized(password), User(email=email))


class SignUpForm(EmailForm):
    """A business email and a password."""

    password = forms.CharField(
        max_length=LONGEST_PASSWORD,
        strip=False,
        error_messages={"required": "Enter a password."},
    )

    def clean(self) -> dict[str, Any]:
        """The password is judged together with the address."""
        data = super().clean() or {}
        if data.get("password"):
            _judge(self, "password", data["password"], data.get("email", ""))
        return data


class NewPasswordForm(forms.Form):
    """A password for the account of `email`; with `user` the present one is asked for as well."""

    current = forms.CharField(
        max_length=LONGEST_PASSWORD, strip=False, required=False, label="Current password"
    )
    password = forms.CharField(
        max_length=LONGEST_PASSWORD,
        strip=False,
        error_messages={"required": "Enter a password."},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.email = email

    def clean(self) -> dict[str, Any]:
        """The password is judged together with the address."""
        data = super().clean() or {}
        if data.get("password"):
            _judge(self, "password", data["password"], self.email)
        return data


def _judge(form: forms.Form, field: str, password: str, email: str) -> None:
    try:
        check_password(password, email)
    except ValidationError as error:
        form.add_error(field, error)


def problems(form: forms.Form | None, field: str) -> list[str]:
    """The sentences beside a field; none for a form that was not sent."""
    if form is None or not form.is_bound:
        return []
    return [str(sentence) for sentence in form.errors.get(field, [])]
