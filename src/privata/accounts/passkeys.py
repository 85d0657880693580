"""The ceremonies of passkeys (WebAuthn), which allauth and python-fido2 know.

What browsers send is anybody's: whatever does not parse is a refused ceremony, nothing else.
"""

from __future__ import annotations

import ipaddress
import json
from typing import Any
from urllib.parse import urlsplit

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from privata.accounts.models import User
from privata.infra.plane import current_time

#: What allauth and fido2 raise on malformed or untrue answers.
_REFUSED = (ValueError, TypeError, KeyError, AttributeError, ValidationError)

#: A credential is some kilobytes; more is no answer of an authenticator.
_LONGEST = 64_000


class CeremonyRefused(Exception):
    """The answer proves nothing: malformed, expired, another challenge, an unknown passkey."""


def hint(request: HttpRequest) -> str:
    """Why passkeys cannot work where this page was opened, and what to open; "" if they can.

    They belong to a name: browsers know none for a machine's address, and refuse without words.
    """
    opened = urlsplit(f"//{request.get_host()}")
    name = get_adapter().get_public_key_credential_rp_entity()["id"]
    host = opened.hostname or ""
    if host == name or host.endswith(f".{name}"):
        return (
            f"Passkeys require a host name, but Privata is configured with the IP address {name}."
            " Ask the operator to set PRIVATA_PUBLIC_URL."
            if _is_address(name)
            else ""
        )
    port = "" if opened.port is None else f":{opened.port}"
    instead = f"{request.scheme}://{name}{port}{request.path}"
    if _is_address(host):
        return f"Passkeys do not work with the IP address {host}. Open {instead} instead."
    return f"Passkeys only work at {name}. Open {instead} instead."


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def registration_options(user: User) -> dict[str, Any]:
    """What a browser needs to make a passkey for `user`; the challenge stays in the session."""
    return dict(auth.begin_registration(user, passwordless=True))


def registered(text: str) -> dict[str, Any]:
    """The verified credential out of the browser's answer."""
    credential = _parsed(text)
    try:
        auth.parse_registration_response(credential)
        binding = auth.complete_registration(credential)
    except _REFUSED as error:
        raise CeremonyRefused from error
    if not binding.is_user_verified():
        raise CeremonyRefused
    return credential


def sign_in_options(user: User | None = None) -> dict[str, Any]:
    """What a browser needs to prove a passkey: of `user`, or of whoever is there."""
    return dict(auth.begin_authentication(user))


def proved(request: HttpRequest, text: str, user: User | None = None) -> Authenticator:
    """The passkey that the browser's answer proves; without `user` it names its person itself."""
    answer = _parsed(text)
    try:
        auth.parse_authentication_response(answer)
        owner = user or auth.extract_user_from_response(answer)
        passkey: Authenticator = auth.complete_authentication(owner, answer)
    except _REFUSED as error:
        raise CeremonyRefused from error
    finally:
        # A challenge is good for one answer, also for a wrong one.
        request.session.pop(auth.STATE_SESSION_KEY, None)
    if not owner.is_active:
        raise CeremonyRefused
    Authenticator.objects.filter(pk=passkey.pk).update(last_used_at=current_time())
    return passkey


def _parsed(text: str) -> dict[str, Any]:
    try:
        credential = json.loads(text) if len(text) <= _LONGEST else None
    except (ValueError, RecursionError) as error:
        raise CeremonyRefused from error
    if not isinstance(credential, dict):
        raise CeremonyRefused
    return credential
