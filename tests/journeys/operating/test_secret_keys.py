"""Secret keys over their life: what is sealed under one is sealed again under the next."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from privata.accounts.sealed import APPS, session_context, totp_context
from privata.core.errors import PrivataError
from privata.infra.context import AppContext
from privata.infra.http.sealed_answers import answer_context
from privata.infra.sealing import Sealer, UnsealError
from privata.infra.secret_keys import resealing, store
from privata.infra.secret_keys.columns import SEALED, Use, sealed_uses
from privata.infra.secret_keys.entering import enter
from privata.infra.secret_keys.resealing import Resealed, put, reseal
from privata.infra.secret_keys.retiring import retire
from privata.infra.settings import Settings
from privata.notifications.sealed import context as mail_context
from privata.orders.provider_secrets import context as provider_context
from privata.routing.adapters import credentials_context
from privata.webhooks.signing.signatures import secret_context
from tests.journeys.operating.test_operator_commands import privata

ROOT = Path(__file__).resolve().parents[3] / "src"
KEY_A, KEY_B = bytes([1]) * 32, bytes([2]) * 32
OLD, BOTH, NEW = Sealer([KEY_A]), Sealer([KEY_B, KEY_A]), Sealer([KEY_B])
A, B = BOTH.marks[1], BOTH.marks[0]

#: Who seals something, and where it comes to lie.
SEALERS = {
    "webhooks/endpoints/new_secrets.py": "webhook_secret",
    "notifications/service.py": "mail",
    "accounts/session_backend.py": "user_session",
    "accounts/factors/service.py": "mfa_authenticator",
    "infra/http/once.py": "idempotency_key",
    "access/forms.py": "user_session",  # within what is sealed there; shown once, within minutes
    "orders/provider_secrets.py": "orders",
    "routing/adapters.py": "provider",
    "infra/secret_keys/resealing.py": None,
}

Values = list[tuple[str, str, str]]


def nothing(report: Resealed) -> None:
    """Who follows no progress."""


async def _app(pool: Any, user: uuid.UUID, sealed: bytes) -> None:
    """An authenticator app, and recovery codes, which hold nothing that is sealed."""
    data = {"secret": base64.b64encode(sealed).decode(), "counter": 7}
    await pool.execute(
        "INSERT INTO mfa_authenticator (user_id, type, data) VALUES ($1, 'totp', $2),"
        " ($1, 'recovery_codes', '{\"codes\": []}')",
        user,
        json.dumps(data),
    )


async def _order(pool: Any, organization: uuid.UUID, sealed: bytes) -> None:
    """An order with a secret at its provider."""
    await pool.execute(
        "INSERT INTO orders (id, organization_id, environment, provider, provider_order_id,"
        " from_asset, from_network, from_decimals, to_asset, to_network, to_decimals, amount_from,"
        " amount_to_expected, rate_type, deposit_address, payout_address, expires_at,"
        " provider_secret)"
        " VALUES ('prv-1', $1, 'live', 'x', 'x', 'BTC', 'BTC', 8, 'ETH', 'ETH', 18, 1, 20, 'float',"
        " 'x', 'x', now(), $2)",
        organization,
        sealed,
    )


async def _provider(pool: Any, sealed: bytes) -> None:
    """What a provider gave the operator."""
    await pool.execute("INSERT INTO provider (name, credentials) VALUES ('exolix', $1)", sealed)


@pytest.fixture
async def sealed(ctx: AppContext, organization: uuid.UUID, superuser: asyncpg.Connection) -> Values:
    """Something in each sealed column under the old key: how to read it, its context, its text."""
    endpoint, secret, mail = (uuid.uuid4() for _ in range(3))
    pool = ctx.database.pool
    await enter(ctx.database, OLD.marks, ctx.settings)
    user = await pool.fetchval(
        "INSERT INTO app_user (email, password, is_superuser) VALUES ('a@x.example', '', false)"
        " RETURNING id"
    )
    contexts = [
        secret_context(secret),
        totp_context(user),
        session_context(bytes(32)),
        mail_context(mail),
        answer_context(organization, "live", "k"),
        provider_context("prv-1"),
        credentials_context("exolix"),
    ]
    values = [OLD.seal(one.encode(), one) for one in contexts]
    await pool.execute(
        "INSERT INTO webhook_endpoint (id, organization_id, environment, channel, alias, url)"
        " VALUES ($1, $2, 'live', 'order', 'x', 'https://x.example')",
        endpoint,
        organization,
    )
    await pool.execute(
        "INSERT INTO webhook_secret (organization_id, environment, id, endpoint_id, sealed, hint)"
        " VALUES ($4, 'live', $1, $2, $3, '')",
        *(secret, endpoint, values[0], organization),
    )
    await _app(pool, user, values[1])
    await pool.execute(
        "INSERT INTO user_session (key_digest, sealed) VALUES ($1, $2)", bytes(32), values[2]
    )
    await pool.execute(
        "INSERT INTO mail (id, template, recipient, sealed, due_at)"
        " VALUES ($1, 'sign_up', 'a@x.example', $2, now() + interval '1 day')",
        mail,
        values[3],
    )
    await pool.execute(
        "INSERT INTO idempotency_key (organization_id, environment, key, request_digest,"
        " locked_until, status_code, body) VALUES ($1, 'live', 'k', '', now(), 201, $2),"
        " ($1, 'live', 'plain', '', now(), 201, '{}')",
        organization,
        values[4],
    )
    await _order(pool, organization, values[5])
    await _provider(pool, values[6])
    return [
        ("webhook_secret", "sealed", contexts[0]),
        ("mfa_authenticator WHERE type = 'totp'", APPS.value, contexts[1]),
        ("user_session", "sealed", contexts[2]),
        ("mail", "sealed", contexts[3]),
        ("idempotency_key WHERE key = 'k'", "body", contexts[4]),
        ("orders", "provider_secret", contexts[5]),
        ("provider", "credentials", contexts[6]),
    ]


async def opened(ctx: AppContext, sealer: Sealer, values: Values) -> None:
    for table, value, context in values:
        found = await ctx.database.pool.fetchval(f"SELECT {value} FROM {table}")
        assert sealer.unseal(found, context).decode() == context


async def both_known(ctx: AppContext) -> None:
    """The two phases of a rotation: the new key opens, then it is first."""
    await enter(ctx.database, Sealer([KEY_A, KEY_B]).marks, ctx.settings)
    await enter(ctx.database, BOTH.marks, ctx.settings)


async def test_every_sealed_column_is_registered(superuser: asyncpg.Connection) -> None:
    rows = await superuser.fetch(
        "SELECT table_name, column_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND data_type = 'bytea' AND column_name LIKE '%sealed%'"
    )
    registered = {(one.table, one.column) for one in SEALED.value}
    assert {tuple(row) for row in rows} <= registered
    sealers = {
        str(path.relative_to(ROOT / "privata"))
        for path in (ROOT / "privata").rglob("*.py")
        if "tests" not in path.parts and re.search(r"\b(?:sealer|box)\.seal\(", path.read_text())
    }
    assert sealers == set(SEALERS)
    assert {one for one in SEALERS.values() if one} == {one.table for one in SEALED.value}


async def test_everything_is_sealed_again(ctx: AppContext, sealed: Values) -> None:
    """The documented rotation kept the old key for ever: nothing sealed again what it held."""
    await both_known(ctx)
    reports = await reseal(ctx.database.pool, BOTH, nothing)
    assert [(one.done, one.left, one.closed.total()) for one in reports] == [(1, 0, 0)] * 7
    assert {use.key for use in await sealed_uses(ctx.database.pool)} == {B.name}
    await opened(ctx, NEW, sealed)
    plain = await ctx.database.pool.fetch("SELECT body FROM idempotency_key WHERE key = 'plain'")
    assert [row["body"] for row in plain] == [b"{}"]
    again = await reseal(ctx.database.pool, BOTH, nothing)
    assert [one.done for one in again] == [0] * 7


async def test_a_run_that_was_killed_is_followed_by_one_that_does_the_rest(
    ctx: AppContext, sealed: Values
) -> None:
    await both_known(ctx)

    def die(report: Resealed) -> None:
        if report.table == "user_session":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await reseal(ctx.database.pool, BOTH, die)
    await opened(ctx, BOTH, sealed)
    reports = await reseal(ctx.database.pool, BOTH, nothing)
    assert [one.done for one in reports] == [0, 0, 0, 1, 1, 1, 1]
    await opened(ctx, NEW, sealed)


async def test_a_value_that_was_written_meanwhile_is_not_overwritten(
    ctx: AppContext, sealed: Values, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read, then sealed again: a page that saved its session between the two lost what it saved."""
    await both_known(ctx)
    saved = OLD.seal(b"saved by a page", session_context(bytes(32)))
    pool, calls = ctx.database.pool, 0

    async def late(*arguments: object) -> int:
        nonlocal calls
        if arguments[1].table == "user_session" and not calls:  # type: ignore[attr-defined]
            calls += 1
            await pool.execute("UPDATE user_session SET sealed = $1", saved)
        return await put(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(resealing, "put", late)
    reports = {one.table: one for one in await reseal(pool, BOTH, nothing)}
    # The second pass took the new value.
    assert (reports["user_session"].done, reports["user_session"].left) == (1, 0)
    found = await pool.fetchval("SELECT sealed FROM user_session")
    assert NEW.unseal(found, session_context(bytes(32))) == b"saved by a page"


async def test_what_pages_write_while_everything_is_sealed_again_stays(
    ctx: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await enter(ctx.database, OLD.marks, ctx.settings)
    await both_known(ctx)
    monkeypatch.setattr(resealing, "BATCH", 20)
    pool, count = ctx.database.pool, 300
    digests = [number.to_bytes(32) for number in range(count)]
    written = dict.fromkeys(digests, b"first")
    await pool.executemany(
        "INSERT INTO user_session (key_digest, sealed) VALUES ($1, $2)",
        [(one, OLD.seal(b"first", session_context(one))) for one in digests],
    )
    done = asyncio.Event()

    async def pages() -> None:
        """Servers of both phases save sessions, one after the other."""
        number = 0
        while not done.is_set():
            digest, text = digests[number * 7 % count], b"%d" % number
            sealed = (OLD, BOTH)[number % 2].seal(text, session_context(digest))
            await pool.execute(
                "UPDATE user_session SET sealed = $2 WHERE key_digest = $1", digest, sealed
            )
            written[digest] = text
            number += 1

    busy = asyncio.create_task(pages())
    await reseal(pool, BOTH, nothing)
    done.set()
    await busy
    assert set(written.values()) != {b"first"}
    await reseal(pool, BOTH, nothing)
    rows = await pool.fetch("SELECT key_digest, sealed FROM user_session")
    found = {
        row["key_digest"]: NEW.unseal(row["sealed"], session_context(row["key_digest"]))
        for row in rows
    }
    assert found == written


async def test_a_row_that_somebody_holds_is_left_and_told(ctx: AppContext, sealed: Values) -> None:
    await both_known(ctx)
    async with ctx.database.transaction() as tx:
        await tx.connection.execute("SELECT FROM mfa_authenticator FOR UPDATE")
        reports = {one.table: one for one in await reseal(ctx.database.pool, BOTH, nothing)}
    assert (reports["mfa_authenticator"].done, reports["mfa_authenticator"].left) == (0, 1)
    await reseal(ctx.database.pool, BOTH, nothing)
    data = json.loads(
        await ctx.database.pool.fetchval("SELECT data FROM mfa_authenticator WHERE type = 'totp'")
    )
    assert data["counter"] == 7
    await opened(ctx, NEW, sealed)


async def test_a_value_without_its_key_is_counted_and_stays(
    ctx: AppContext, sealed: Values
) -> None:
    await enter(ctx.database, OLD.marks, ctx.settings)
    await ctx.database.pool.execute("DELETE FROM secret_key")
    await enter(ctx.database, NEW.marks, ctx.settings)
    reports = await reseal(ctx.database.pool, NEW, nothing)
    assert [dict(one.closed) for one in reports] == [{A.shown: 1}] * 7
    await opened(ctx, OLD, sealed)
    with pytest.raises(UnsealError):
        await opened(ctx, NEW, sealed)


async def test_a_command_with_the_old_settings_does_not_seal_back(
    ctx: AppContext, sealed: Values
) -> None:
    await both_known(ctx)
    with pytest.raises(PrivataError, match=f"seals with {B.shown}, but {A.shown} is first here"):
        await reseal(ctx.database.pool, Sealer([KEY_A, KEY_B]), nothing)


async def test_a_key_is_retired_once_nothing_needs_it(ctx: AppContext) -> None:
    await enter(ctx.database, OLD.marks, ctx.settings)

    async def retired(shown: str, *uses: Use, anyway: bool = False) -> None:
        async with ctx.database.transaction() as tx:
            await retire(tx, shown, uses, anyway=anyway)

    with pytest.raises(PrivataError, match="There is no secret key"):
        await retired("00000000")
    with pytest.raises(PrivataError, match="seals with"):
        await retired(A.shown)
    await both_known(ctx)
    with pytest.raises(PrivataError, match="still needed: 3 in mail"):
        await retired(A.shown, Use("mail", A.name, 3), Use("mail", B.name, 5))
    await retired(A.shown, Use("mail", A.name, 3), anyway=True)
    with pytest.raises(PrivataError, match="was retired on"):
        await retired(A.shown)
    await enter(ctx.database, NEW.marks, ctx.settings)
    assert store.sealing_key(await store.known_keys(ctx.database.pool)).mark == B  # type: ignore[union-attr]


Run = Callable[..., Awaitable[tuple[int, str, str]]]


def with_keys(settings: Settings, *keys: bytes) -> Run:
    """Runs a command as a node with these keys does."""
    given = ",".join(base64.b64encode(key).decode() for key in keys)

    async def run(*arguments: str) -> tuple[int, str, str]:
        return await privata(settings, *arguments, PRIVATA_SECRET_KEYS=given)

    return run


async def test_a_rotation_on_the_command_line(
    ctx: AppContext, settings: Settings, sealed: Values
) -> None:
    harmless = ("ledger", "verify")  # any command takes part with its keys
    code, _, err = await with_keys(settings, KEY_B, KEY_A)(*harmless)
    assert (code, "is new to this database" in err) == (1, True)
    code, _, err = await with_keys(settings, KEY_A, KEY_B)(*harmless)
    assert code == 0, err
    during, after = with_keys(settings, KEY_B, KEY_A), with_keys(settings, KEY_B)
    code, out, err = await during("secrets", "reseal", "--dry-run")
    assert (code, f"webhook_secret               1 under {A.shown}" in out) == (0, True), err
    code, _, err = await after(*harmless)
    assert (code, f"the key {A.shown}, which PRIVATA_SECRET_KEYS lacks" in err) == (1, True)
    code, _, err = await during("secrets", "retire", A.shown)
    assert (code, "is still needed: 1 in webhook_secret" in err) == (1, True)
    code, out, err = await during("secrets", "reseal")
    assert (code, "mail                         1 sealed again" in out) == (0, True), err
    code, out, err = await during("secrets", "retire", A.shown)
    assert (code, out.startswith(f"{A.shown} is retired")) == (0, True), err
    code, out, err = await after("secrets", "status", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert [(one["key"], one["state"]) for one in told["keys"]] == [
        (A.shown, "retired"),
        (B.shown, "seals"),
    ]
    assert {one["key"] for one in told["uses"]} == {B.shown}
    action = await ctx.database.pool.fetchval(
        "SELECT action FROM audit_entry WHERE target = $1", A.shown
    )
    assert action == "secret_key.retired"
    await opened(ctx, NEW, sealed)
