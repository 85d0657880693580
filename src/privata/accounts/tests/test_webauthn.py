"""The ceremonies of passkeys with an authenticator in software: what is proved, what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fido2.utils import websafe_encode

from privata.accounts.factors import webauthn
from privata.accounts.factors.webauthn import Begun, CeremonyRefused
from tests.authenticators import ORIGIN, Key

SITE = webauthn.site_of(ORIGIN)


def _begin() -> Begun:
    return webauthn.begin_registration(SITE, handle="2s", email="who@wallet.example", known=[])


def _kept(key: Key) -> dict[str, Any]:
    """What is stored of a passkey; it goes through JSON, as it does on its way to the database."""
    begun = _begin()
    kept = webauthn.complete_registration(SITE, begun.state, key.made(begun.options))
    return json.loads(json.dumps(kept))  # type: ignore[no-any-return]


def test_a_passkey_is_made_and_proved() -> None:
    first, second = Key(), Key()
    known = {7: _kept(first), 8: _kept(second)}
    begun = webauthn.begin_authentication(SITE, known.values())
    asked = [one["id"] for one in begun.options["publicKey"]["allowCredentials"]]
    assert asked == [websafe_encode(first.id), websafe_encode(second.id)]
    state = json.loads(json.dumps(begun.state))
    assert webauthn.complete_authentication(SITE, state, known, second.proof(begun.options)) == 8


def test_a_passkey_names_its_person() -> None:
    begun = webauthn.begin_authentication(SITE)
    assert webauthn.handle_in(Key().proof(begun.options, handle="2s")) == "2s"
    with pytest.raises(CeremonyRefused):
        webauthn.handle_in({"response": {"userHandle": None}})


def test_the_browser_is_told_which_passkeys_there_are() -> None:
    key = Key()
    begun = webauthn.begin_registration(
        SITE, handle="2s", email="who@wallet.example", known=[_kept(key)]
    )
    public = begun.options["publicKey"]
    assert [one["id"] for one in public["excludeCredentials"]] == [websafe_encode(key.id)]
    assert public["authenticatorSelection"]["userVerification"] == "required"
    json.dumps(begun.options)


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://localhost.evil.example"},
        {"host": "evil.example"},
        {"unlocked": False},
    ],
)
def test_a_passkey_made_elsewhere_or_locked_is_refused(wrong: dict[str, Any]) -> None:
    begun = _begin()
    with pytest.raises(CeremonyRefused):
        webauthn.complete_registration(SITE, begun.state, Key().made(begun.options, **wrong))


@pytest.mark.parametrize(
    "wrong",
    [{"origin": "https://evil.example"}, {"host": "evil.example"}, {"unlocked": False}],
)
def test_a_proof_for_elsewhere_or_of_a_locked_passkey_is_refused(wrong: dict[str, Any]) -> None:
    key = Key()
    known = {7: _kept(key)}
    begun = webauthn.begin_authentication(SITE)
    with pytest.raises(CeremonyRefused):
        webauthn.complete_authentication(
            SITE, begun.state, known, key.proof(begun.options, **wrong)
        )


PUBLIC = "https://partners.wallet.example"


@pytest.mark.parametrize(
    "origin",
    [
        "https://blog.partners.wallet.example",
        "https://wallet.example",
        "https://partners.wallet.example:8443",
        "http://partners.wallet.example",
        "http://localhost",
        "https://partners.wallet.example.",
        None,
    ],
)
def test_an_answer_given_at_a_subdomain_or_another_port_is_refused(origin: Any) -> None:
    """Browsers give a host's passkeys to all of them, and whatever runs there passed answers on."""
    site, key = webauthn.site_of(PUBLIC), Key()
    making = webauthn.begin_registration(site, handle="2s", email="who@wallet.example", known=[])
    begun = webauthn.begin_authentication(site)
    with pytest.raises(CeremonyRefused):
        webauthn.complete_registration(
            site, making.state, key.made(making.options, host=site.host, origin=origin)
        )
    made = key.made(making.options, host=site.host, origin=PUBLIC)
    kept = webauthn.complete_registration(site, making.state, made)
    with pytest.raises(CeremonyRefused):
        webauthn.complete_authentication(
            site, begun.state, {7: kept}, key.proof(begun.options, host=site.host, origin=origin)
        )
    right = key.proof(begun.options, host=site.host, origin=PUBLIC)
    assert webauthn.complete_authentication(site, begun.state, {7: kept}, right) == 7


@pytest.mark.parametrize(
    ("address", "host", "origin"),
    [
        ("https://Partners.Wallet.example", "partners.wallet.example", PUBLIC),
        ("https://partners.wallet.example:443/", "partners.wallet.example", PUBLIC),
        ("https://wallet.example:8443", "wallet.example", "https://wallet.example:8443"),
        ("http://127.0.0.1:8000", "localhost", "http://localhost:8000"),
        ("http://[::1]:80", "localhost", "http://localhost"),
    ],
)
def test_the_origin_is_that_of_the_public_address(address: str, host: str, origin: str) -> None:
    assert webauthn.site_of(address) == webauthn.Site(host, origin)


def test_a_laptops_installation_may_be_opened_at_any_port() -> None:
    local = webauthn.site_of("http://127.0.0.1:8000")
    for origin in ("http://localhost", "http://localhost:8000", "http://localhost:61234"):
        assert local.is_ours(origin)
    for origin in ("https://localhost:8443", "http://sub.localhost:8000", "http://localhost:8000/"):
        assert not local.is_ours(origin)
    behind_tls = webauthn.site_of("https://localhost:8443")
    assert behind_tls.is_ours("https://localhost:8443")


def test_beside_a_password_a_locked_passkey_is_enough() -> None:
    key = Key()
    known = {7: _kept(key)}
    begun = webauthn.begin_authentication(SITE, known.values())
    answer = key.proof(begun.options, unlocked=False)
    assert webauthn.complete_authentication(SITE, begun.state, known, answer) == 7


def test_another_challenge_another_key_and_another_signature_are_refused() -> None:
    key, stranger = Key(), Key()
    known = {7: _kept(key)}
    begun, other = webauthn.begin_authentication(SITE), webauthn.begin_authentication(SITE)
    right = key.proof(begun.options)
    forged = stranger.proof(begun.options)
    forged["id"] = forged["rawId"] = right["id"]
    mixed = right | {"response": right["response"] | {"signature": "AAAA"}}
    for answer in (key.proof(other.options), stranger.proof(begun.options), forged, mixed):
        with pytest.raises(CeremonyRefused):
            webauthn.complete_authentication(SITE, begun.state, known, answer)
    assert webauthn.complete_authentication(SITE, begun.state, known, right) == 7


def test_an_answer_to_one_ceremony_is_none_to_the_other() -> None:
    key = Key()
    kept = _kept(key)
    begun, making = webauthn.begin_authentication(SITE), _begin()
    with pytest.raises(CeremonyRefused):
        webauthn.complete_registration(SITE, making.state, key.proof(making.options))
    with pytest.raises(CeremonyRefused):
        webauthn.complete_authentication(SITE, begun.state, {7: kept}, key.made(begun.options))


@pytest.mark.parametrize("algorithm", [-65535, -1000])  # RSA with SHA-1, and nothing known
def test_an_algorithm_that_was_not_offered_is_refused(algorithm: int) -> None:
    begun = _begin()
    assert algorithm not in [one["alg"] for one in begun.options["publicKey"]["pubKeyCredParams"]]
    with pytest.raises(webauthn.AlgorithmRefused):
        webauthn.complete_registration(
            SITE, begun.state, Key().made(begun.options, algorithm=algorithm)
        )


def test_a_passkey_under_another_ones_id_is_refused() -> None:
    """Beside the signed id stands one that the browser may choose, and that one was kept."""
    begun = _begin()
    answer = Key().made(begun.options)
    answer["id"] = answer["rawId"] = websafe_encode(Key().id)
    with pytest.raises(CeremonyRefused):
        webauthn.complete_registration(SITE, begun.state, answer)


#: Attestation objects that break a CBOR reader in different ways.
_CBOR = [
    b"",
    b"\xff",
    b"\x19",  # a number of two bytes, without them
    b"\x9b" + b"\xff" * 8,  # a list of 2^64 members
    b"\x81" * 40_000,  # lists in lists
    b"\xa1\x63fmt\x64none",
    b"\xa3\x63fmt\x64none\x68authData\x41\x00\x67attStmt\xa0",
]


@pytest.mark.parametrize("attestation", _CBOR)
def test_what_is_no_passkey_is_refused_whatever_it_breaks(attestation: bytes) -> None:
    begun = _begin()
    answer = Key().made(begun.options)
    answer["response"]["attestationObject"] = websafe_encode(attestation)
    with pytest.raises(CeremonyRefused):
        webauthn.complete_registration(SITE, begun.state, answer)


@pytest.mark.parametrize("name", ["clientDataJSON", "authenticatorData", "signature"])
@pytest.mark.parametrize("value", [None, 1, "", "AA", "é", [], {"a": 1}, "e30"])
def test_what_is_no_proof_is_refused_whatever_it_breaks(name: str, value: Any) -> None:
    key = Key()
    begun = webauthn.begin_authentication(SITE)
    answer = key.proof(begun.options)
    answer["response"][name] = value
    with pytest.raises(CeremonyRefused):
        webauthn.complete_authentication(SITE, begun.state, {7: _kept(key)}, answer)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "nope", "[" * 60_000, '{"a":' * 12_000, " " * 70_000]
)
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(CeremonyRefused):
        webauthn.parsed(text)
