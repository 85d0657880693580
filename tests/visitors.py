"""Somebody with a browser without scripts, and the mails that reach them."""

from __future__ import annotations

import email
import email.policy
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import httpx

from privata.accounts.sessions import digest_of
from privata.infra.sealing import Sealer
from privata.infra.settings import Settings
from tests.browser.server import Server
from tests.canaries import plant
from tests.loopback import NO_AUTHORITIES

PASSWORD = "plum-orbit-candle-47"

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

#: Fields of forms that are nobody else's business.
_SECRET_FIELDS = {"password", "current", "code", "credential"}

_addresses = itertools.count(10)

_CSRF = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Visitor:
    """Loads pages and sends their forms. Each comes from an address of their own, unless told."""

    def __init__(self, server: Server, ip: str | None = None) -> None:
        number = next(_addresses)
        self.ip = ip or f"127.0.{1 + number // 250}.{1 + number % 250}"
        self.client = httpx.Client(
            base_url=server.base_url,
            transport=httpx.HTTPTransport(local_address=self.ip, verify=NO_AUTHORITIES),
            verify=NO_AUTHORITIES,
            headers={"User-Agent": FIREFOX},
            timeout=60,
        )
        self.csrf = ""

    def get(self, path: str) -> httpx.Response:
        return self._seen(self.client.get(path, follow_redirects=True))

    def post(self, path: str, *, follow: bool = True, **fields: str) -> httpx.Response:
        """Send a form with the token of the page loaded last."""
        if not self.csrf:
            self.get("/login")
        for name in _SECRET_FIELDS & fields.keys():
            plant(fields[name])
        form = fields | {"csrfmiddlewaretoken": plant(self.csrf)}
        return self._seen(self.client.post(path, data=form, follow_redirects=follow))

    def sign_in(self, address: str, password: str = PASSWORD) -> httpx.Response:
        self.get("/login")
        return self.post("/login", login=address, password=password)

    @property
    def token(self) -> str | None:
        """The session's token."""
        return self.client.cookies.get("privata")

    def close(self) -> None:
        self.client.close()

    def _seen(self, answer: httpx.Response) -> httpx.Response:
        for cookie in self.client.cookies.jar:
            plant(cookie.value or "")
        found = _CSRF.search(answer.text)
        if found:
            self.csrf = found.group(1)
        return answer


@contextmanager
def visitor(server: Server, ip: str | None = None) -> Iterator[Visitor]:
    made = Visitor(server, ip)
    try:
        yield made
    finally:
        made.close()


class Mailbox:
    """The folder into which the worker of `server` writes mails."""

    def __init__(self, server: Server, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._read: dict[Path, EmailMessage] = {}

    def of(self, address: str) -> list[EmailMessage]:
        """Mails to `address`, oldest first."""
        paths = sorted(self._folder.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
        return [mail for path in paths if (mail := self._mail(path))["To"] == address]

    def wait(self, address: str, count: int = 1) -> EmailMessage:
        """The `count`th mail to `address`, as soon as it is there.

        Mails that are written a random while later, so that nobody learns from the time which
        kind it was, are not waited for so long.
        """
        until = time.monotonic() + 60
        while len(found := self.of(address)) < count:
            assert time.monotonic() < until, f"{len(found)} of {count} mails to {address}"
            self._server.execute(
                "WITH hurried AS (UPDATE mail SET due_at = now()"
                " WHERE status = 'waiting' AND attempts = 0 AND due_at > now() RETURNING id)"
                " SELECT pg_notify('mail', '') FROM hurried"
            )
            time.sleep(0.05)
        return found[count - 1]

    def _mail(self, path: Path) -> EmailMessage:
        if path not in self._read:
            made = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            self._read[path] = made
        return self._read[path]


def text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


def code_in(mail: EmailMessage) -> str:
    found = re.search(r"^ {4}(\d{6})$", text_of(mail), re.MULTILINE)
    assert found, text_of(mail)
    return found.group(1)


def link_in(mail: EmailMessage) -> str:
    """The path of the reset link."""
    found = re.search(r"(/reset/[\w-]{20,})", text_of(mail))
    assert found, text_of(mail)
    plant(found.group(1).rpartition("/")[2])
    return found.group(1)


def alert_in(page: httpx.Response) -> str:
    """The sentence of the page's alert; "" without one."""
    found = re.search(r'role="alert".*?<b>(.*?)</b>', page.text, re.DOTALL)
    return unescape(found.group(1)) if found else ""


def age_authentication(server: Server, token: str | None) -> None:
    """As if the session's last authentication were older than ten minutes."""

    def older(data: dict[str, Any]) -> None:
        assert "proved_at" in data
        data["proved_at"] = time.time() - 601

    edit_session(server, token, older)


def edit_session(
    server: Server, token: str | None, change: Callable[[dict[str, Any]], None]
) -> None:
    """Change what a session holds, as if time had passed; it is sealed, so by its key."""
    assert token
    home = Path(server.environment["PRIVATA_HOME"])
    sealer = Sealer(Settings(_env_file=None, home=home).key_material())
    digest = digest_of(token)
    context = f"session:{digest.hex()}"
    ((sealed,),) = server.execute("SELECT sealed FROM user_session WHERE key_digest = %s", digest)
    data = json.loads(sealer.unseal(bytes(sealed), context))
    change(data)
    server.execute(
        "UPDATE user_session SET sealed = %s WHERE key_digest = %s",
        sealer.seal(json.dumps(data).encode(), context),
        digest,
    )


def sign_up(server: Server, mailbox: Mailbox, who: Visitor, address: str) -> httpx.Response:
    """A whole sign-up."""
    who.get("/sign-up")
    who.post("/sign-up", email=address, password=PASSWORD)
    return who.post("/sign-up/code", code=code_in(mailbox.wait(address)))
