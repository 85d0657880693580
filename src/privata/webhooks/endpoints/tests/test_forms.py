"""What the endpoint form makes of a URL is what the check of a URL makes of it."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from privata.core.errors import UrlRefused
from privata.webhooks.transport.guard import Policy, parse_url

URL = "https://hooks.example.com/privata"

_SPACES = [" ", "\t", "\n", "\r\n", "\u00a0", "\u2003", "\u3000", "\x0b", "\x85"]


@pytest.fixture(scope="module", autouse=True)
def _django() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "privata.dashboard.settings")
    import django

    django.setup()


def _kept(url: str) -> str | None:
    """The URL that the form hands to the service; None when the form itself refuses."""
    from privata.webhooks.endpoints.forms import ALL, EndpointForm

    form = EndpointForm(
        {"alias": "A", "url": url, "channel": "order", "scope": ALL, "dialect": "privata"}
    )
    return form.cleaned_data["url"] if form.is_valid() else None


@pytest.mark.parametrize("space", _SPACES)
def test_the_form_refuses_the_spaces_that_the_check_refuses(space: str) -> None:
    """The form trimmed them and took the URL, while the check beside it said that it is wrong."""
    for text in (space + URL, URL + space, space):
        with pytest.raises(UrlRefused):
            parse_url(text, policy=Policy())
        kept = _kept(text)
        if kept is not None:
            with pytest.raises(UrlRefused):
                parse_url(kept, policy=Policy())


@settings(deadline=None, max_examples=50)
@given(st.text(max_size=8), st.text(max_size=8))
def test_the_form_changes_no_url(before: str, after: str) -> None:
    text = before + URL + after
    assert _kept(text) in (text, None)
