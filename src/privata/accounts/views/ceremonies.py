"""Passkeys between a page and its browser: the challenge in the session, the rows in the database.

The ceremonies themselves are `webauthn`.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import base36_to_int, int_to_base36

from privata.accounts import reading
from privata.accounts.factors import service as factors
from privata.accounts.factors import webauthn
from privata.accounts.factors.webauthn import CeremonyRefused
from privata.accounts.models import User
from privata.accounts.session_backend import SessionStore
from privata.accounts.views.people import person
from privata.accounts.views.steps import CLOCK_TOLERANCE_S
from privata.infra.plane import app_context, current_time, wait

#: In the session, sealed: the challenge that waits, what it is for, and whose passkey it asks for.
_CHALLENGE: Final = "passkey_challenge"

#: How long a challenge waits for its answer, seconds.
CHALLENGE_S: Final = 600


@dataclass(frozen=True, slots=True)
class Proved:
    """The passkey that was shown, by its id, and whose it is."""

    passkey: int
    user: User


_MAKE: Final = "make"
_PROVE: Final = "prove"


def hint(request: HttpRequest) -> str:
    """Why passkeys cannot work where this page was opened, and what to open; "" if they can.

    They belong to a name: browsers know none for a machine's address, and refuse without words.
    """
    opened = urlsplit(f"//{request.get_host()}")
    site = _site()
    name = site.host
    host = opened.hostname or ""
    if host == name:
        return (
            f"Passkeys require a host name, but Privata is configured with the IP address {name}."
            " Ask the operator to set PRIVATA_PUBLIC_URL."
            if _is_address(name)
            else ""
        )
    port = "" if opened.port is None else f":{opened.port}"
    local = f"{request.scheme}://{name}{port}"
    instead = f"{local if name == webauthn.LOCALHOST else site.origin}{request.path}"
    if _is_address(host):
        return f"Passkeys do not work with the IP address {host}. Open {instead} instead."
    return f"Passkeys only work at {name}. Open {instead} instead."


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _site() -> webauthn.Site:
    """Passkeys belong to the public address, whatever name a request came by."""
    return webauthn.site_of(app_context().settings.base_url)


def registration_options(request: HttpRequest, user: User) -> dict[str, Any]:
    """What a browser needs to make a passkey for `user`; the challenge stays in the session."""
    begun = webauthn.begin_registration(
        _site(),
        handle=int_to_base36(user.pk),
        email=user.email,
        known=_passkeys_of(user).values(),
    )
    _keep(request, _MAKE, user, begun)
    return begun.options


def registered(request: HttpRequest, text: str, user: User) -> dict[str, Any]:
    """The verified credential out of the browser's answer; `CeremonyRefused` without one."""
    state = _taken(request, _MAKE, user)
    return webauthn.complete_registration(_site(), state, webauthn.parsed(text))


def sign_in_options(request: HttpRequest, user: User | None = None) -> dict[str, Any]:
    """What a browser needs to prove a passkey: of `user`, or of whoever is there."""
    known = None if user is None else _passkeys_of(user).values()
    begun = webauthn.begin_authentication(_site(), known)
    _keep(request, _PROVE, user, begun)
    return begun.options


def proved(request: HttpRequest, text: str, user: User | None = None) -> Proved:
    """The passkey that the browser's answer proves; without `user` it names its person itself.

    `CeremonyRefused` for anything else, and for somebody deactivated.
    """
    state = _taken(request, _PROVE, user)
    answer = webauthn.parsed(text)
    owner = user or _owner_of(answer)
    key = webauthn.complete_authentication(_site(), state, _passkeys_of(owner), answer)
    if not owner.is_active:
        raise CeremonyRefused
    if not wait(factors.passkey_used(app_context(), user_id=owner.pk, passkey_id=key)):
        raise CeremonyRefused  # removed at this moment
    return Proved(key, owner)


def _owner_of(answer: dict[str, Any]) -> User:
    try:
        user_id = base36_to_int(webauthn.handle_in(answer))
    except ValueError as error:
        raise CeremonyRefused from error
    owner = person(user_id)
    if owner is None:
        raise CeremonyRefused
    return owner


def _passkeys_of(user: User) -> dict[int, webauthn.Credential]:
    return wait(reading.credentials_of(app_context(), user.pk))


def _keep(request: HttpRequest, purpose: str, user: User | None, begun: webauthn.Begun) -> None:
    request.session[_CHALLENGE] = {
        "for": purpose,
        "user": None if user is None else user.pk,
        "state": begun.state,
        "at": current_time().timestamp(),
    }


def _taken(request: HttpRequest, purpose: str, user: User | None) -> dict[str, Any]:
    """The state of the challenge that waits, which is good for one answer, also for a wrong one,
    and for ten minutes.

    It must have been made for the same: one beside a password does not ask for the passkey's PIN,
    so it must not sign anybody in by itself.
    """
    session = request.session
    assert isinstance(session, SessionStore)
    kept: Any = session.take(_CHALLENGE)
    whose = None if user is None else user.pk
    if kept is None or (kept["for"], kept["user"]) != (purpose, whose):
        raise CeremonyRefused
    age = current_time().timestamp() - kept.get("at", 0)  # an earlier release noted none
    if not -CLOCK_TOLERANCE_S <= age <= CHALLENGE_S:
        raise CeremonyRefused
    state: dict[str, Any] = kept["state"]
    return state
