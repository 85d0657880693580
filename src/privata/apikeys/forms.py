"""The form of a key, for making one and for changing one. The rules themselves are `rules`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from django import forms

from privata.access.forms import ShownForm
from privata.apikeys.listing import KeyView
from privata.apikeys.reach import lacking
from privata.apikeys.rules import (
    MAX_BLOCKS,
    checked_blocks,
    checked_expiry,
    checked_name,
    checked_scopes,
    split_blocks,
)
from privata.apikeys.scopes import DEFAULT_SCOPES, Scope
from privata.core.errors import RequestError, ValidationFailed
from privata.core.roles import Role
from privata.core.tenancy import Environment

NEVER, ON_DATE = "never", "date"

#: Days that a new key may be given to live, and what is chosen at first.
PRESET_DAYS: Final = (30, 90, 180, 365)
PRESET: Final = "365"

#: Blocks of the longest form, each in a line.
_MAX_BLOCK_TEXT: Final = MAX_BLOCKS * 64

_SCOPE_TEXTS: Final = {
    Scope.ORDERS: "Quotes, orders, order status, and events. For a wallet's server.",
    Scope.WEBHOOK_ADMIN: (
        "Manage webhook endpoints, resume and replay, and read deliveries through the API."
    ),
    Scope.PAYOUTS_READ: "Read the balance and payouts.",
    Scope.PAYOUTS_TRIGGER: "Request a payout to a verified address. A live key moves money.",
    Scope.RAMP_EMBED: "Publishable: only opens the ramp page, and is safe in web pages and apps."
    " Cannot be combined with other scopes.",
}

T = TypeVar("T")


class ScopeChoice(NamedTuple):
    """A scope that the form offers; `lock` says why it cannot be chosen."""

    value: str
    text: str
    lock: str


class KeyForm(ShownForm):
    """What a partner decides about a key."""

    name = forms.CharField(required=False)
    scopes = forms.MultipleChoiceField(choices=[(one.value, one.value) for one in Scope])
    expiry = forms.ChoiceField()
    expires_on = forms.DateField(
        required=False, error_messages={"invalid": "Enter a date, such as 2027-05-21."}
    )
    allowed_cidrs = forms.CharField(required=False, max_length=_MAX_BLOCK_TEXT)

    def __init__(
        self, data: Any = None, *, environment: Environment, now: datetime, **more: Any
    ) -> None:
        super().__init__(data, **more)
        self._environment = environment
        self._now = now
        expiry = self.fields["expiry"]
        assert isinstance(expiry, forms.ChoiceField)
        expiry.choices = expiry_choices(now.date())
        self.fields["scopes"].required = False

    def clean_name(self) -> str:
        return _judged(lambda: checked_name(self.cleaned_data["name"]))

    def clean_scopes(self) -> list[Scope]:
        return _judged(lambda: checked_scopes(self.cleaned_data["scopes"]))

    def clean_allowed_cidrs(self) -> list[str]:
        return _judged(lambda: checked_blocks(split_blocks(self.cleaned_data["allowed_cidrs"])))

    def clean(self) -> dict[str, Any]:
        """The date that was chosen, whichever way; None for never."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        expiry = cleaned.get("expiry", NEVER)
        chosen = cleaned.get("expires_on") if expiry == ON_DATE else None
        if expiry == ON_DATE and chosen is None and "expires_on" not in self.errors:
            self.add_error("expires_on", "Enter a date.")
        if expiry.isdecimal():
            chosen = self._now.date() + timedelta(days=int(expiry))
        try:
            cleaned["ends"] = checked_expiry(chosen, self._now)
        except ValidationFailed as error:
            self.add_error("expires_on", error.message)
        return cleaned

    def decided(self) -> dict[str, Any]:
        """What the services take, of a form that is valid."""
        wanted = self.cleaned_data
        return {
            "name": wanted["name"],
            "scopes": wanted["scopes"],
            "allowed_cidrs": wanted["allowed_cidrs"],
            "expires_on": wanted["ends"],
        }

    def refuse(self, error: RequestError) -> None:
        """Show what the service did not accept, at its field."""
        for name, message in error.fields or [("", error.message)]:
            self.add_error(name if name in self.fields else None, message)


def new_form(environment: Environment, now: datetime, data: Any = None) -> KeyForm:
    """The form of a new key."""
    initial = {"scopes": [one.value for one in DEFAULT_SCOPES], "expiry": PRESET}
    return KeyForm(data, environment=environment, now=now, initial=initial)


def form_of(key: KeyView, now: datetime, data: Any = None) -> KeyForm:
    """The form of a key that exists."""
    initial = {
        "name": key.name,
        "scopes": list(key.scopes),
        "expiry": ON_DATE if key.expires_on else NEVER,
        "expires_on": key.expires_on.isoformat() if key.expires_on else "",
        "allowed_cidrs": "\n".join(key.allowed_cidrs),
    }
    return KeyForm(data, environment=key.environment, now=now, initial=initial)


def expiry_choices(today: date) -> list[tuple[str, str]]:
    """The presets with the dates they lead to."""
    choices = []
    for days in PRESET_DAYS:
        end = today + timedelta(days=days)
        choices.append((str(days), f"In {days} days, on {end.day} {end:%B %Y}"))
    return [*choices, (ON_DATE, "On a specific date"), (NEVER, "Never")]


def scope_choices(role: Role, key: KeyView | None = None) -> list[ScopeChoice]:
    """What the form offers to somebody of this role: all for a new key; a key that exists stays
    publishable or secret."""
    return [
        ScopeChoice(scope.value, text, _lock(scope, role))
        for scope, text in _SCOPE_TEXTS.items()
        if key is None or (scope is Scope.RAMP_EMBED) == key.publishable
    ]


def _lock(scope: Scope, role: Role) -> str:
    return "Only an owner can grant this scope." if lacking(role, [scope]) else ""


def _judged(rule: Callable[[], T]) -> T:
    try:
        return rule()
    except ValidationFailed as error:
        raise forms.ValidationError(error.message) from error
