"""Second factors and forgotten passwords as a person handles them."""

from __future__ import annotations

import re
import time

import httpx

from privata.accounts.factors.totp import code_at
from tests.browser.server import Server
from tests.visitors import Visitor, alert_in, visitor


def is_in(who: Visitor) -> bool:
    return who.get("/account/security").url.path == "/account/security"


def codes_in(page: httpx.Response) -> list[str]:
    return re.findall(r"<li>([a-z0-9]{5}-[a-z0-9]{5})</li>", page.text)


def add_app(who: Visitor) -> str:
    """Set an authenticator app up, up to the recovery codes; its secret."""
    page = who.get("/account/security/app")
    found = re.search(r'data-copy="([A-Z2-7]{32})"', page.text)
    assert found
    now = int(time.time()) // 30
    page = who.post("/account/security/app", code=code_at(found.group(1), now))
    assert page.url.path == "/account/security/recovery", alert_in(page)
    return found.group(1)


def turn_on(who: Visitor) -> tuple[str, list[str]]:
    """Two-factor sign-in with an app: its secret and the nine codes that are left."""
    secret = add_app(who)
    codes = codes_in(who.get("/account/security/recovery"))
    page = who.post("/account/security/recovery", code=codes[0].upper().replace("-", " "))
    assert page.url.path == "/account/security", alert_in(page)
    return secret, codes[1:]


def forget_time(server: Server) -> None:
    """As if codes of the app had not been used: tests do not wait for the next 30 seconds."""
    server.execute(
        "UPDATE mfa_authenticator SET data = jsonb_set(data, '{counter}', '0') WHERE type = 'totp'"
    )


def last_step(server: Server, person: str) -> int:
    """The step whose code the person's app has used last."""
    ((step,),) = server.execute(
        "SELECT (m.data->>'counter')::bigint FROM mfa_authenticator m"
        " JOIN app_user u ON u.id = m.user_id WHERE u.email = %s AND type = 'totp'",
        person,
    )
    return int(step)


def present(secret: str) -> str:
    return code_at(secret, int(time.time()) // 30)


def ask(server: Server, address: str) -> httpx.Response:
    with visitor(server) as forgetful:
        forgetful.get("/reset")
        return forgetful.post("/reset", email=address)
