"""Payouts over HTTP, from the request to the operator's settling, and what is refused."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from conftest import environment_for
from privata.apikeys.scopes import Scope
from privata.core.addresses.codec import base58
from privata.core.clock import SystemClock
from privata.core.tenancy import Actor, ActorKind, Environment
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.payouts.sandbox import move_due
from privata.payouts.tests.making import Payee, make_endpoint, other_organization, proof
from tests import programs
from tests.conftest import Partner, mint

_TRIGGER, _READ = Scope.PAYOUTS_TRIGGER, Scope.PAYOUTS_READ


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Addresses can be used at once, and writes are not counted."""
    return settings.model_copy(
        update={"payout_address_delay_hours": 0, "rate_writes_per_minute": 100_000}
    )


class _Treasury:
    """The partner's finance program."""

    def __init__(self, partner: Partner, payee: Payee, key: str) -> None:
        self.partner, self.payee, self.key = partner, payee, key
        self.calls = 0

    async def get(self, path: str = "", **query: Any) -> httpx.Response:
        return await self.partner.get(f"/payouts{path}", key=self.key, **query)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.partner.post(f"/payouts{path}", body, key=self.key, headers=headers)

    async def request(self, **body: Any) -> httpx.Response:
        self.calls += 1
        wanted = body or {"amount": "600", "currency": "USDT-ERC20"}
        return await self.post("", wanted, **{"Idempotency-Key": f"call-{self.calls}"})

    async def confirm(self, made: dict[str, Any], **headers: str) -> httpx.Response:
        answer = proof(self.payee.secret, made["challenge"])
        return await self.post(f"/{made['payout_id']}/confirm", {"signature": answer}, **headers)


@pytest.fixture
async def treasury(partner: Partner) -> _Treasury:
    """A live key for payouts; 2,000 USD, an address and a webhook secret."""
    return await _treasury(partner, partner.organization_id)


async def _treasury(partner: Partner, organization_id: uuid.UUID) -> _Treasury:
    ctx = partner.ctx
    _, secret = await make_endpoint(ctx, organization_id)
    actor = Actor(ActorKind.USER, "1", "finance@acme.example", organization_id, Environment.LIVE)
    payee = Payee(ctx, _Still(), actor, secret)  # type: ignore[arg-type]
    await payee.usable_address()
    await payee.fund("2000")
    key = await mint(ctx, organization_id, Environment.LIVE, _TRIGGER, _READ)
    return _Treasury(partner, payee, key)


class _Still(SystemClock):
    """The machine's clock, which does not need to be moved here."""

    def advance(self, _step: object) -> None:
        return


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_from_the_request_to_the_money(treasury: _Treasury, settings: Settings) -> None:
    answer = await treasury.request(amount="600.5", currency="USDT-ERC20")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["status"], made["amount"]) == ("requested", "600.50")
    confirmed = await treasury.confirm(made)
    assert confirmed.json()["status"] == "confirmed", confirmed.text
    assert "challenge" not in confirmed.json()
    ident = made["payout_id"]
    code, out, err = await _command(settings, "list", "--json")
    assert (code, json.loads(out)["payout_id"]) == (0, ident), err
    for words, said in (
        (("process", ident), "processing"),
        (("settle", ident, "--tx", "0x" + "ab" * 32), "settled"),
    ):
        code, out, err = await _command(settings, *words)
        assert (code, out) == (0, f"{ident} is {said}.\n"), err
    shown = (await treasury.get(f"/{ident}")).json()
    assert (shown["status"], shown["tx_hash"]) == ("settled", "0x" + "ab" * 32)
    assert shown["explorer_url"] == "https://etherscan.io/tx/0x" + "ab" * 32
    assert (await treasury.get()).json() == {"payouts": [shown], "next_cursor": None}
    assert await treasury.payee.balances() == ("1399.50", "0.00", "600.50")
    code, out, _ = await _command(settings, "verify")
    assert (code, out) == (0, "ok, 1 payouts\n")
    code, _, err = await _command(settings, "cancel", ident)
    assert (code, err.splitlines()[-1]) == (
        1,
        "privata: This payout is settled and cannot be canceled.",
    )


async def test_a_request_is_made_once_for_its_key(treasury: _Treasury) -> None:
    body = {"full": True, "currency": "USDT-ERC20"}
    bare = await treasury.post("", body)
    assert _code(bare) == (422, "VALIDATION_ERROR")
    assert bare.json()["error"]["fields"][0]["field"] == "Idempotency-Key"
    calls = (treasury.post("", body, **{"Idempotency-Key": "k"}) for _ in range(8))
    answers = await asyncio.gather(*calls)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotent-Replayed" in answer.headers for answer in answers) == 7
    other = await treasury.post(
        "", body | {"full": None, "amount": "500"}, **{"Idempotency-Key": "k"}
    )
    assert _code(other) == (409, "IDEMPOTENCY_CONFLICT")
    assert len((await treasury.get()).json()["payouts"]) == 1
    kept = await treasury.partner.ctx.database.pool.fetchval("SELECT body FROM idempotency_key")
    assert answers[0].json()["challenge"].encode() not in kept


async def test_confirming_again_with_its_key_is_answered_again(treasury: _Treasury) -> None:
    made = (await treasury.request()).json()
    first = await treasury.confirm(made, **{"Idempotency-Key": "confirm"})
    again = await treasury.confirm(made, **{"Idempotency-Key": "confirm"})
    assert (first.status_code, first.text) == (again.status_code, again.text)
    assert again.headers["Idempotent-Replayed"] == "true"
    bare = await treasury.confirm(made)
    assert _code(bare) == (409, "VALIDATION_ERROR")
    assert bare.json()["error"]["status"] == "confirmed"


async def test_wrong_answers_name_the_field_and_the_tries(treasury: _Treasury) -> None:
    made = (await treasury.request()).json()
    for left in (4, 3, 2, 1, 0):
        answer = await treasury.post(f"/{made['payout_id']}/confirm", {"signature": "0" * 64})
        assert _code(answer) == (422, "VALIDATION_ERROR")
        error = answer.json()["error"]
        assert (error["fields"][0]["field"], error["tries_left"]) == ("signature", left)
    assert _code(await treasury.confirm(made)) == (409, "VALIDATION_ERROR")
    shown = (await treasury.get(f"/{made['payout_id']}")).json()
    assert (shown["status"], "too many wrong answers" in shown["failure"]) == ("cancelled", True)


async def test_what_cannot_be_requested(treasury: _Treasury) -> None:
    for body, wanted in (
        ({"amount": "499.99", "currency": "USDT-ERC20"}, (400, "AMOUNT_TOO_LOW")),
        ({"amount": "50000.01", "currency": "USDT-ERC20"}, (400, "AMOUNT_TOO_HIGH")),
        ({"amount": "2000.01", "currency": "USDT-ERC20"}, (409, "INSUFFICIENT_BALANCE")),
        ({"amount": "600", "currency": "USDC-SOL"}, (422, "VALIDATION_ERROR")),
        ({"amount": "600.001", "currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": 600, "currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": "6e2", "currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": "NaN", "currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": "-600", "currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": "600"}, (422, "VALIDATION_ERROR")),
        ({"currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": "600", "full": True, "currency": "USDT-ERC20"}, (422, "VALIDATION_ERROR")),
        ({"amount": "600", "currency": "BTC"}, (422, "VALIDATION_ERROR")),
        ({"amount": "600", "address_id": str(uuid.uuid4())}, (422, "VALIDATION_ERROR")),
        ({"amount": "600", "currency": "USDT-ERC20", "status": "sent"}, (422, "VALIDATION_ERROR")),
    ):
        answer = await treasury.request(**body)
        assert _code(answer) == wanted, (body, answer.text)
    low = await treasury.request(amount="1", currency="USDT-ERC20")
    assert (low.json()["error"]["min"], low.json()["error"]["max"]) == ("500.00", "50000.00")
    poor = await treasury.request(amount="2000.01", currency="USDT-ERC20")
    assert poor.json()["error"]["available"] == "2000.00"
    assert (await treasury.get()).json()["payouts"] == []


async def test_the_third_request_of_a_day_waits(treasury: _Treasury) -> None:
    for _ in range(2):
        assert (await treasury.request()).status_code == 201
    third = await treasury.request()
    assert _code(third) == (429, "RATE_LIMITED")
    assert 86_000 < int(third.headers["Retry-After"]) <= 86_400


async def test_another_organizations_payout_looks_missing(treasury: _Treasury) -> None:
    partner = treasury.partner
    other = await _treasury(partner, await other_organization(partner.ctx))
    made = (await treasury.request()).json()
    for ident in (made["payout_id"], str(uuid.uuid4()), "nonsense"):
        answers = [
            await other.get(f"/{ident}"),
            await other.post(f"/{ident}/confirm", {"signature": "0" * 64}),
            await other.post(f"/{ident}/cancel", {}),
        ]
        for answer in answers:
            assert _code(answer) == (404, "NOT_FOUND")
            assert answer.json()["error"]["message"] == "Payout not found."
    assert (await other.get()).json()["payouts"] == []
    foreign = (await treasury.get("/addresses")).json()["addresses"][0]["address_id"]
    answer = await other.request(amount="600", address_id=foreign)
    assert _code(answer) == (422, "VALIDATION_ERROR")


async def test_keys_without_the_scope_are_refused(treasury: _Treasury) -> None:
    partner = treasury.partner
    made = (await treasury.request()).json()
    ident = made["payout_id"]
    ctx, organization_id = partner.ctx, partner.organization_id
    keys = {
        "test": await mint(ctx, organization_id, Environment.TEST, Scope.ORDERS),
        "orders": await mint(ctx, organization_id, Environment.LIVE, Scope.ORDERS),
        "read": await mint(ctx, organization_id, Environment.LIVE, _READ),
        "trigger": await mint(ctx, organization_id, Environment.LIVE, _TRIGGER),
    }
    reads = ("/payouts", "/payouts/addresses", f"/payouts/{ident}")
    writes = ("/payouts", f"/payouts/{ident}/confirm", f"/payouts/{ident}/cancel")
    for name, key in keys.items():
        for path in reads:
            answer = await partner.get(path, key=key)
            assert (answer.status_code == 200) is (name == "read"), (name, path)
            if name != "read":
                assert _code(answer) == (403, "SCOPE_REQUIRED")
        for path in writes:
            if name != "trigger":
                answer = await partner.post(path, {}, key=key)
                assert _code(answer) == (403, "SCOPE_REQUIRED"), (name, path)
    cancelled = await partner.post(f"/payouts/{ident}/cancel", {}, key=keys["trigger"])
    assert cancelled.json()["status"] == "cancelled"


async def test_pages_of_payouts(treasury: _Treasury, ctx: AppContext) -> None:
    for _ in range(2):
        await treasury.request()
    # More than a day allows, as a year of payouts would have made them.
    await ctx.database.pool.execute(
        "INSERT INTO payout (id, environment, organization_id, address_id, currency, address,"
        " amount, needs_approval, requested_by, challenge_nonce, challenge_expires_at, created_at)"
        " SELECT gen_random_uuid(), environment, organization_id, id, currency,"
        " address, 500 + n, false, 'x',"
        " 'x', now(), now() - make_interval(days => n / 3 + 2)"
        " FROM payout_address, generate_series(1, 9) AS n"
    )
    found: list[str] = []
    query: dict[str, Any] = {"limit": 4}
    while True:
        page = (await treasury.get(**query)).json()
        found += [one["payout_id"] for one in page["payouts"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert len(found) == len(set(found)) == 11
    everything = (await treasury.get(limit=100)).json()["payouts"]
    assert [one["payout_id"] for one in everything] == found
    assert (await treasury.get(status="sent")).json()["payouts"] == []
    for wrong in ({"cursor": "x"}, {"limit": 0}, {"status": "paid"}, {"page": 2}):
        assert _code(await treasury.get(**wrong)) == (422, "VALIDATION_ERROR")


async def test_addresses_are_shown(treasury: _Treasury) -> None:
    (address,) = (await treasury.get("/addresses")).json()["addresses"]
    assert (address["state"], address["is_default"], address["verified_by"]) == (
        "verified",
        True,
        "operator",
    )


async def test_the_operators_addresses(partner: Partner, settings: Settings) -> None:
    ident = str(partner.organization_id)
    text = "TJRabPrwbZy45sbavfcjinPJC18kjpRTv8"
    words = ("--organization", ident)
    code, _, err = await _command(
        settings, "address", "add", *words, "--currency", "USDT-TRC20", text[:-1] + "9"
    )
    assert (code, "hecksum" in err) == (1, True)
    code, out, err = await _command(
        settings, "address", "add", *words, "--currency", "USDT-TRC20", text
    )
    assert code == 0, err
    address_id = out.split()[0]
    code, out, err = await _command(settings, "address", "verify", *words, address_id)
    assert (code, "is verified" in out) == (0, True), err
    code, out, _ = await _command(settings, "address", "list", *words)
    assert out == f"{address_id}  USDT-TRC20  {text}  verified  default\n"
    code, out, _ = await _command(settings, "address", "remove", *words, address_id)
    assert (code, out) == (0, f"{address_id} is removed.\n")
    code, out, _ = await _command(settings, "address", "list", *words)
    assert out == "None.\n"
    code, _, err = await _command(settings, "approve", str(uuid.uuid4()))
    assert (code, err.splitlines()[-1]) == (1, "privata: Payout not found.")
    rows = await partner.ctx.database.pool.fetch(
        "SELECT action, actor_kind FROM audit_entry WHERE target = $1 ORDER BY seq", address_id
    )
    assert [tuple(row) for row in rows] == [
        (f"payout_address.{done}", "operator") for done in ("added", "verified", "removed")
    ]


async def test_an_owner_signs_what_the_operator_prints(
    partner: Partner, settings: Settings
) -> None:
    words = ("--organization", str(partner.organization_id))
    key = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
    wallet = base58.encode(key.public_key().public_bytes_raw())
    _, out, err = await _command(
        settings, "address", "add", *words, "--currency", "USDC-SOL", wallet
    )
    address_id = out.split()[0]
    _, text, err = await _command(settings, "address", "text", *words, address_id)
    assert wallet in text, err
    code, _, err = await _command(settings, "address", "prove", *words, address_id, "0" * 128)
    assert (code, "attempts left: 4" in err) == (1, True)
    signature = base58.encode(key.sign(text.removesuffix("\n").encode()))
    code, out, err = await _command(settings, "address", "prove", *words, address_id, signature)
    assert (code, out.startswith(f"{address_id} is verified")) == (0, True), err
    code, out, _ = await _command(settings, "address", "promote", *words, address_id)
    assert (code, out) == (0, f"{address_id} is now the default for USDC-SOL.\n")


async def _command(settings: Settings, *words: str) -> tuple[int | None, str, str]:
    environment = environment_for(
        settings.home, str(settings.database_url), str(settings.database_owner_url)
    )
    done = await programs.run_beside("privata", "payouts", *words, env=environment)
    return done.returncode, done.stdout, done.stderr


async def test_a_test_key_tries_a_payout_in_the_sandbox(partner: Partner) -> None:
    """It was told that it lacks the scope that it had."""
    ctx, organization_id = partner.ctx, partner.organization_id
    _, secret = await make_endpoint(ctx, organization_id, Environment.TEST)
    key = await mint(ctx, organization_id, Environment.TEST, _READ, _TRIGGER)
    assert (await partner.get("/payouts", key=key)).json() == {"payouts": [], "next_cursor": None}
    balances = (await partner.get("/me", key=key)).json()["balances"]
    assert balances["available"] == "100000.00"
    listed = (await partner.get("/payouts/addresses", key=key)).json()["addresses"]
    assert len(listed) == 4
    body = {"amount": "750", "address_id": listed[0]["address_id"], "sandbox_ttl": 0}
    headers = {"Idempotency-Key": "first"}
    made = (await partner.post("/payouts", body, key=key, headers=headers)).json()
    assert (made["status"], made["sandbox"]) == ("requested", True)
    answer = {"signature": proof(secret, made["challenge"])}
    path = f"/payouts/{made['payout_id']}"
    confirmed = await partner.post(f"{path}/confirm", answer, key=key)
    assert confirmed.json()["status"] == "confirmed", confirmed.text
    while await move_due(ctx):
        pass
    shown = (await partner.get(path, key=key)).json()
    assert (shown["status"], shown["explorer_url"]) == ("settled", None)
    assert (await partner.get("/me", key=key)).json()["balances"]["paid"] == "750.00"
    live = await mint(ctx, organization_id, Environment.LIVE, _READ, _TRIGGER)
    assert _code(await partner.get(path, key=live)) == (404, "NOT_FOUND")
    refused = await partner.post("/payouts", body, key=live, headers=headers)
    assert _code(refused) == (422, "VALIDATION_ERROR")
    assert refused.json()["error"]["fields"][0]["field"] == "sandbox_ttl"
