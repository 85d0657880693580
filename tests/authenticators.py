"""An authenticator in software: makes passkeys and proves them, rightly or not as a test wants."""

from __future__ import annotations

import secrets
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2.cose import ES256
from fido2.utils import sha256, websafe_encode
from fido2.webauthn import (
    Aaguid,
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

HOST: Final = "localhost"
ORIGIN: Final = "http://localhost:8000"

_FLAG = AuthenticatorData.FLAG


class Key:
    """One passkey. `unlocked=False`: touched by somebody who does not know its PIN."""

    def __init__(self) -> None:
        self.id = secrets.token_bytes(16)
        self._private = ec.generate_private_key(ec.SECP256R1())

    def made(
        self,
        options: dict[str, Any],
        *,
        host: str = HOST,
        origin: str = ORIGIN,
        unlocked: bool = True,
        algorithm: int = ES256.ALGORITHM,
    ) -> dict[str, Any]:
        """The answer to the options of a registration; the key claims to use `algorithm`."""
        public = ES256.from_cryptography_key(  # type: ignore[no-untyped-call]  # theirs has no types
            self._private.public_key()
        )
        public[3] = algorithm
        about = AuthenticatorData.create(
            sha256(host.encode()),
            _FLAG.UP | _FLAG.AT | (_FLAG.UV if unlocked else _FLAG(0)),
            0,
            AttestedCredentialData.create(Aaguid.NONE, self.id, public),
        )
        return self._answer(
            clientDataJSON=_client("webauthn.create", options, origin),
            attestationObject=AttestationObject.create("none", about, {}),
        )

    def proof(
        self,
        options: dict[str, Any],
        *,
        handle: str = "",
        host: str = HOST,
        origin: str = ORIGIN,
        unlocked: bool = True,
    ) -> dict[str, Any]:
        """The answer to the options of an authentication; `handle` names the passkey's person."""
        flags = _FLAG.UP | (_FLAG.UV if unlocked else _FLAG(0))
        about = AuthenticatorData.create(sha256(host.encode()), flags, 1)
        client = _client("webauthn.get", options, origin)
        return self._answer(
            clientDataJSON=client,
            authenticatorData=about,
            signature=self._private.sign(about + client.hash, ec.ECDSA(hashes.SHA256())),
            userHandle=handle.encode(),
        )

    def _answer(self, **response: bytes) -> dict[str, Any]:
        return {
            "type": "public-key",
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "clientExtensionResults": {},
            "response": {name: websafe_encode(value) for name, value in response.items()},
        }


def _client(kind: str, options: dict[str, Any], origin: str) -> CollectedClientData:
    return CollectedClientData.create(kind, options["publicKey"]["challenge"], origin)
