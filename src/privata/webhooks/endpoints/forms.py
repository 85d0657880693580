"""The form of an endpoint, for making one and for changing one."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from privata.access.forms import ShownForm
from privata.core.errors import UrlRefused, ValidationFailed
from privata.webhooks.durations import parse_offsets, written_offsets
from privata.webhooks.endpoints.reading import EndpointRow
from privata.webhooks.endpoints.rules import GROUP, MAX_ALIAS, MAX_PACE, ORDER_TYPES
from privata.webhooks.states import Channel, Dialect
from privata.webhooks.transport.guard import MAX_URL_CHARS

ALL, SOME = "all", "some"

CHANNELS: Final = (
    (Channel.ORDER.value, "Orders", "Every step of an order, for your backend."),
    (
        Channel.OPS.value,
        "Operations",
        "Events about your integration as a whole, for the team that runs it.",
    ),
)
DIALECTS: Final = (
    (
        Dialect.PRIVATA.value,
        "Privata",
        "One X-Privata-Signature header with a timestamp and a signature.",
    ),
    (
        Dialect.STANDARD.value,
        "Standard Webhooks",
        (
            "webhook-id, webhook-timestamp, and webhook-signature headers, for use with Standard "
            "Webhooks libraries."
        ),
    ),
)
SCOPES: Final = (
    (ALL, "All events", "Includes types added in the future."),
    (SOME, "Selected events", "Select the types below."),
)

#: What the order channel's filter offers: the whole group, then each type.
TYPE_CHOICES: Final = (f"order{GROUP}", *ORDER_TYPES)

#: Names of the service's fields where the form has another.
_FIELDS: Final = {"event_filter": "types", "schedule_s": "schedule"}


class EndpointForm(ShownForm):
    """What a partner decides about an endpoint. The rules themselves are the service's."""

    alias = forms.CharField(
        max_length=MAX_ALIAS,
        error_messages={
            "required": "Enter a name.",
            "max_length": f"Use at most {MAX_ALIAS} characters.",
        },
    )
    # Not trimmed: what is judged as it is typed is what is kept (`guard.parse_url`).
    url = forms.CharField(
        max_length=MAX_URL_CHARS,
        strip=False,
        error_messages={
            "required": "Enter the URL that receives the events.",
            "max_length": f"Use at most {MAX_URL_CHARS} characters.",
        },
    )
    channel = forms.ChoiceField(choices=[(value, label) for value, label, _ in CHANNELS])
    scope = forms.ChoiceField(choices=[(value, label) for value, label, _ in SCOPES])
    types = forms.MultipleChoiceField(
        choices=[(name, name) for name in TYPE_CHOICES], required=False
    )
    dialect = forms.ChoiceField(choices=[(value, label) for value, label, _ in DIALECTS])

    def clean(self) -> dict[str, Any]:
        """Asking for some types needs at least one; the operations channel has no choice."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        some = cleaned.get("scope") == SOME and cleaned.get("channel") == Channel.ORDER.value
        if some and not cleaned.get("types"):
            self.add_error("types", "Select at least one type, or all events.")
        cleaned["event_filter"] = cleaned.get("types") if some else None
        return cleaned

    def refuse(self, error: UrlRefused | ValidationFailed) -> None:
        """Show what the service did not accept, at its field."""
        if isinstance(error, UrlRefused):
            self.add_error("url", error.message)
            return
        # Fragments are for programs; the one field of an error gets its sentence.
        for name, fragment in error.fields or [("", "")]:
            known = _FIELDS.get(name, name)
            message = fragment if len(error.fields) > 1 else error.message
            self.add_error(known if known in self.fields else None, message)


class SettingsForm(EndpointForm):
    """The same, and how an existing endpoint is sent to."""

    strict_ordering = forms.BooleanField(required=False)
    schedule = forms.CharField(required=False, max_length=200)
    pace_per_s = forms.IntegerField(
        min_value=1,
        max_value=MAX_PACE,
        error_messages={
            "required": f"Enter a number from 1 to {MAX_PACE:,}.",
            "invalid": f"Enter a number from 1 to {MAX_PACE:,}.",
            "min_value": f"Enter a number from 1 to {MAX_PACE:,}.",
            "max_value": f"Enter a number from 1 to {MAX_PACE:,}.",
        },
    )

    def clean_schedule(self) -> list[int] | None:
        """Offsets in seconds; None for the usual schedule. Whether they rise, the service says."""
        try:
            return parse_offsets(self.cleaned_data["schedule"])
        except ValidationFailed as error:
            raise forms.ValidationError(error.message) from error


def new_form(channel: str) -> EndpointForm:
    """The empty form of a channel."""
    known = channel if channel in list(Channel) else Channel.ORDER.value
    return EndpointForm(
        initial={"channel": known, "scope": ALL, "types": [], "dialect": Dialect.PRIVATA.value}
    )


def form_of(endpoint: EndpointRow, data: Any = None) -> SettingsForm:
    """The form of an existing endpoint; channel and dialect cannot be changed any more."""
    kept = {"channel": endpoint.channel, "dialect": endpoint.dialect}
    initial = kept | {
        "alias": endpoint.alias,
        "url": endpoint.url,
        "scope": ALL if endpoint.event_filter is None else SOME,
        "types": endpoint.event_filter or [],
        "strict_ordering": endpoint.strict_ordering,
        "schedule": written_offsets(endpoint.schedule_s),
        "pace_per_s": endpoint.pace_per_s,
    }
    if data is None:
        return SettingsForm(initial=initial)
    sent = data.copy()
    sent.update(kept)
    for name, value in kept.items():
        sent.setlist(name, [value])
    return SettingsForm(sent, initial=initial)
