"""The ceremonies of passkeys (WebAuthn Level 3, section 7), which python-fido2 checks. Pure.

What browsers send is anybody's: whatever does not parse is a refused ceremony, nothing else.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from fido2.server import Fido2Server
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import (
    AttestedCredentialData,
    PublicKeyCredentialRpEntity,
    PublicKeyCredentialUserEntity,
    RegistrationResponse,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from privata.infra.settings import LOOPBACK

#: A credential is some kilobytes; more is no answer of an authenticator.
LONGEST_ANSWER: Final = 64_000

#: The name of a laptop's installation. Its pages may be opened at any port, as behind a tunnel.
LOCALHOST: Final = "localhost"
_LOCAL_ORIGIN: Final = re.compile(r"http://localhost(:[0-9]{1,5})?", re.ASCII)

#: Ports that browsers leave out of an origin.
_USUAL_PORTS: Final = {"http": 80, "https": 443}

#: Where a public key names its algorithm (COSE, RFC 9052 section 7.1).
_ALGORITHM: Final = 3

#: What fido2 raises on malformed or untrue answers. Its CBOR reader lets through what Python
#: raises on short or deeply nested bytes (`struct.error`, `IndexError`, `RecursionError`).
_REFUSED: Final = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    UnsupportedAlgorithm,
    ValueError,
    struct.error,
)

#: A passkey as it is kept: the authenticator's answer when it was made, in the JSON of WebAuthn.
Credential = Mapping[str, Any]


class CeremonyRefused(Exception):
    """The answer proves nothing: malformed, expired, another challenge, an unknown passkey."""


class AlgorithmRefused(CeremonyRefused):
    """A passkey whose signatures we did not say we can check."""


@dataclass(frozen=True, slots=True)
class Site:
    """The `host` that passkeys belong to, and the `origin` of our pages, as browsers write it."""

    host: str
    origin: str

    def is_ours(self, origin: str) -> bool:
        """Whether pages of `origin` may ask for our passkeys.

        Browsers let every subdomain and every port of the host ask for them, so what runs there
        could pass an answer on.
        """
        if origin == self.origin:
            return True
        return self.host == LOCALHOST and _LOCAL_ORIGIN.fullmatch(origin) is not None


def site_of(base_url: str) -> Site:
    """The site of an installation by its address; on loopback it is `localhost`, because browsers
    know no passkeys for an IP address."""
    url = urlsplit(base_url)
    named = url.hostname or LOCALHOST
    host = LOCALHOST if named in LOOPBACK else named
    port = "" if url.port in (None, _USUAL_PORTS.get(url.scheme)) else f":{url.port}"
    return Site(host, f"{url.scheme}://{host}{port}")


@dataclass(frozen=True, slots=True)
class Begun:
    """A ceremony that waits for its answer: `options` for the browser, `state` to keep (JSON)."""

    options: dict[str, Any]
    state: dict[str, Any]


def parsed(text: str) -> dict[str, Any]:
    """What a browser sent; `CeremonyRefused` for what is no JSON object, or is too long."""
    try:
        answer = json.loads(text) if len(text) <= LONGEST_ANSWER else None
    except (ValueError, RecursionError) as error:
        raise CeremonyRefused from error
    if not isinstance(answer, dict):
        raise CeremonyRefused
    return answer


def begin_registration(
    site: Site, *, handle: str, email: str, known: Iterable[Credential]
) -> Begun:
    """Ask for a new passkey of `site`, which the browser can find by itself and unlocks with a PIN
    or the like. Authenticators that hold one of `known` refuse."""
    options, state = _server(site).register_begin(
        user=PublicKeyCredentialUserEntity(id=handle.encode(), name=email, display_name=email),
        credentials=[_public(each) for each in known],
        resident_key_requirement=ResidentKeyRequirement.REQUIRED,
        user_verification=UserVerificationRequirement.REQUIRED,
        extensions={"credProps": True},
    )
    return Begun(dict(options), state)


def complete_registration(
    site: Site, state: Mapping[str, Any], answer: Mapping[str, Any]
) -> dict[str, Any]:
    """The new passkey as it is kept; `CeremonyRefused` for an answer that proves none,
    `AlgorithmRefused` for one that signs in a way that was not offered."""
    server = _server(site)
    try:
        made = RegistrationResponse.from_dict(answer)
        bound = server.register_complete(state, made)
        public = bound.credential_data
        # The id is compared with those of others, so it must be the one that the passkey proves.
        if not bound.is_user_verified() or public is None or public.credential_id != made.raw_id:
            raise CeremonyRefused
        if public.public_key[_ALGORITHM] not in {one.alg for one in server.allowed_algorithms}:
            raise AlgorithmRefused
        return {
            "type": "public-key",
            "rawId": websafe_encode(made.raw_id),
            "response": {
                "clientDataJSON": websafe_encode(made.response.client_data),
                "attestationObject": websafe_encode(made.response.attestation_object),
            },
        }
    except _REFUSED as error:
        raise CeremonyRefused from error


def begin_authentication(site: Site, known: Iterable[Credential] | None = None) -> Begun:
    """Ask for the proof of one of `known`; without them, of any passkey of `site` that is there.

    Such a one is the whole sign-in, so its holder must unlock it; beside a password it may be a
    key that only is there.
    """
    options, state = _server(site).authenticate_begin(
        credentials=[] if known is None else [_public(each) for each in known],
        user_verification=(
            UserVerificationRequirement.REQUIRED
            if known is None
            else UserVerificationRequirement.PREFERRED
        ),
    )
    return Begun(dict(options), state)


def complete_authentication(
    site: Site,
    state: Mapping[str, Any],
    known: Mapping[int, Credential],
    answer: Mapping[str, Any],
) -> int:
    """The key of the passkey among `known` that the answer proves; or `CeremonyRefused`."""
    try:
        public = {key: _public(credential) for key, credential in known.items()}
        proved = _server(site).authenticate_complete(state, list(public.values()), answer)
        return next(
            key for key, each in public.items() if each.credential_id == proved.credential_id
        )
    except _REFUSED as error:
        raise CeremonyRefused from error


def handle_in(answer: Mapping[str, Any]) -> str:
    """The handle of the person whose passkey answered, as it was given when it was made. It is
    proved by nothing yet. `CeremonyRefused` without one."""
    try:
        return websafe_decode(answer["response"]["userHandle"]).decode()
    except _REFUSED as error:
        raise CeremonyRefused from error


def _server(site: Site) -> Fido2Server:
    party = PublicKeyCredentialRpEntity(id=site.host, name="Privata")
    return Fido2Server(party, verify_origin=site.is_ours)


def _public(credential: Credential) -> AttestedCredentialData:
    """Id and public key of a kept passkey."""
    made = RegistrationResponse.from_dict(credential)
    public = made.response.attestation_object.auth_data.credential_data
    if public is None:
        raise ValueError("a kept passkey without a key")
    return public
