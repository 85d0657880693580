"""Forms that come back as they were sent, and secrets that a page shows once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.http import HttpRequest

from privata.core.errors import ValidationFailed
from privata.infra.plane import app_context
from privata.infra.sealing import UnsealError


class Entered:
    """A form as it was sent, with what was wrong with it; at first, what there is already."""

    def __init__(self, values: Mapping[str, Any], fields: Sequence[tuple[str, str]] = ()) -> None:
        self.values = values
        self.fields = list(fields)

    @classmethod
    def refused(cls, values: Mapping[str, Any], error: ValidationFailed) -> Entered:
        """The form with the sentences of a refusal."""
        return cls(values, error.fields or [("", error.message)])

    @property
    def status(self) -> int:
        """The HTTP status of the page that shows it."""
        return 422 if self.fields else 200

    def value(self, name: str) -> Any:
        """What the field shows."""
        found = self.values.get(name)
        return "" if found is None else found

    def problems(self, name: str) -> list[str]:
        """The sentences at one field."""
        return [text for field, text in self.fields if field == name]

    def summary(self) -> list[tuple[str, str]]:
        """Every problem with its field; an empty name for none."""
        return self.fields


class ShownForm(forms.Form):
    """A form of Django's, as pages show it: by the same names as `Entered`."""

    #: Names under which errors belong to no field that a page shows.
    unnamed: ClassVar[frozenset[str]] = frozenset({"__all__"})

    def value(self, name: str) -> Any:
        """What the field shows: as it was sent, or at first its initial value."""
        return self[name].value()

    def problems(self, name: str) -> list[str]:
        """The sentences at one field."""
        return [str(text) for text in self.errors.get(name, [])]

    def summary(self) -> list[tuple[str, str]]:
        """Every problem with the field it belongs to; an empty name for none."""
        return [
            ("" if name in self.unnamed else name, str(text))
            for name, texts in self.errors.items()
            for text in texts
        ]


def keep_once(request: HttpRequest, name: str, secret: str) -> None:
    """Keep a secret, sealed, in the session until its page has shown it.

    Each thing has a name of its own, so that of two made side by side neither is lost.
    """
    sealed = app_context().sealer.seal(secret.encode(), f"once:{name}")
    request.session[f"once:{name}"] = base64.b64encode(sealed).decode()


def take_once(request: HttpRequest, name: str) -> str | None:
    """The secret that was kept under this name, the first time somebody asks."""
    sealed = request.session.pop(f"once:{name}", "")
    try:
        return app_context().sealer.unseal(base64.b64decode(sealed), f"once:{name}").decode()
    except (UnsealError, binascii.Error):
        return None
