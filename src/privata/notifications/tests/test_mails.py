"""The queue of mails against a real database, and a mail server of our own on loopback."""

from __future__ import annotations

import asyncio
import email
import email.policy
import threading
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from privata.core.clock import SystemClock
from privata.infra.context import AppContext
from privata.infra.settings import Settings
from privata.notifications import store
from privata.notifications.catalogue import AUDIENCES, MailTemplate, chosen_template
from privata.notifications.jobs import send_due
from privata.notifications.posting import (
    ConsolePost,
    FilePost,
    MailRefused,
    MailUnavailable,
    SmtpPost,
    post_for,
)
from privata.notifications.schedule import PAUSES, pause_after
from privata.notifications.service import send_mail
from privata.notifications.writing import Sender, write

VALUES = {
    "code": "123456", "device": "Firefox on Linux", "ip": "192.0.2.7", "at": "today",
    "until": "tomorrow", "token": "t0ken", "inviter": "Ada", "organization": "<Acme> & Sons",
    "role": "admin", "link": "https://p.example/x", "key_name": "Main", "left": "7 days",
    "environment": "live", "prefix": "pk_live_ab", "endpoint": "https://a.example/hook",
    "reason": "10 failures in a row", "member": "bob@x.example", "note": "Ask & us",
    "actor": "eve@x.example", "amount": "1250.00", "currency": "USDC-ERC20", "address": "0x5aAe",
    "tx_hash": "0x88df", "now": "now has the role developer", "lost": "Payouts: payouts:trigger",
    "seen": "Payouts, Server",
    "hours": "24", "more": "",
}  # fmt: skip


async def queue(
    ctx: AppContext,
    template: MailTemplate = MailTemplate.NEW_LOGIN,
    to: str = "ada@x.example",
    **more: Any,
) -> None:
    async with ctx.database.transaction() as tx:
        await send_mail(tx, ctx.sealer, template=template, to=to, values=VALUES, **more)


async def rows(ctx: AppContext, columns: str = "status, attempts") -> list[tuple[Any, ...]]:
    found = await ctx.database.pool.fetch(f"SELECT {columns} FROM mail ORDER BY created_at")
    return [tuple(row) for row in found]


class Taking:
    """A post that keeps what it gets, or fails as told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.mails: list[EmailMessage] = []
        self.failure = failure

    def __call__(self, message: EmailMessage) -> None:
        if self.failure:
            raise self.failure
        self.mails.append(message)


@pytest.mark.parametrize("template", list(MailTemplate))
def test_every_template_has_both_forms_and_a_subject(template: MailTemplate) -> None:

    mail = write(
        template,
        mail_id=uuid4(),
        recipient="ada@x.example",
        values=VALUES,
        sender=Sender("Privata <no-reply@p.example>", "https://p.example"),
        clock=SystemClock(),
    )
    assert mail["Subject"]
    assert "\n" not in mail["Subject"]
    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert "<" not in plain.get_content().replace("<Acme>", "")
    assert "<Acme>" not in html.get_content()
    assert "https://p.example" in html.get_content()
    # What goes over the wire reads back the same.
    again = email.message_from_bytes(mail.as_bytes(), policy=email.policy.default)
    assert again["Subject"] == mail["Subject"]


def test_keys_that_lost_no_scope_are_only_rotated() -> None:
    """The mail said "Lost scopes: none"."""
    mail = write(
        MailTemplate.KEYS_CUT,
        mail_id=uuid4(),
        recipient="ada@x.example",
        values=VALUES | {"lost": ""},
        sender=Sender("Privata <no-reply@p.example>", "https://p.example"),
        clock=SystemClock(),
    )
    for kind in ("plain", "html"):
        body = mail.get_body((kind,))
        assert body is not None
        text = body.get_content()
        assert "lost the scopes" not in " ".join(text.split())
        assert "Lost scopes" not in text
        assert "Payouts, Server" in text


def test_a_value_cannot_begin_a_header() -> None:

    mail = write(
        MailTemplate.INVITATION,
        mail_id=uuid4(),
        recipient="ada@x.example",
        values=VALUES | {"inviter": "Eve\r\nBcc: all@x.example"},
        sender=Sender("Privata <no-reply@p.example>", "https://p.example"),
        clock=SystemClock(),
    )
    assert mail["Bcc"] is None
    assert "Bcc: all@x.example" in mail["Subject"]


async def test_a_sent_mail_keeps_nothing(ctx: AppContext) -> None:
    await queue(ctx)
    ((sealed,),) = await rows(ctx, "sealed")
    assert b"123456" not in sealed
    post = Taking()
    assert await send_due(ctx, post) == 1
    assert await rows(ctx, "status, attempts, sealed") == [("sent", 1, None)]
    assert [mail["To"] for mail in post.mails] == ["ada@x.example"]
    assert await send_due(ctx, post) == 0


async def test_nothing_is_sent_after_a_rollback(ctx: AppContext) -> None:
    class Undo(Exception):
        pass

    with pytest.raises(Undo):
        async with ctx.database.transaction() as tx:
            await send_mail(
                tx, ctx.sealer, template=MailTemplate.NEW_LOGIN, to="a@x.example", values={}
            )
            raise Undo
    assert await rows(ctx) == []


async def test_who_gets_a_template_is_decided_when_it_is_sent(ctx: AppContext) -> None:
    await ctx.database.pool.execute(
        "INSERT INTO app_user (email, password, is_superuser) VALUES ('ada@x.example', '', false)"
    )
    for template in AUDIENCES:
        await queue(ctx, template, "Ada@x.example")
        await queue(ctx, template, "nobody@x.example")
    # None of them yet: the work for one must not show in the answer that follows the asking.
    post = Taking()
    assert await send_due(ctx, post) == 0
    await ctx.database.pool.execute("UPDATE mail SET due_at = now()")
    while await send_due(ctx, post):
        pass
    assert sorted((mail["To"], mail["Subject"]) for mail in post.mails) == [
        ("Ada@x.example", "Set a new password for Privata"),
        ("Ada@x.example", "Sign-in to your Privata account is blocked for 30 minutes"),
        ("Ada@x.example", "You already have a Privata account"),
        ("nobody@x.example", "123456 is your Privata code"),
    ]
    assert [status for status, _ in await rows(ctx)].count("dropped") == 2
    assert chosen_template(MailTemplate.NEW_LOGIN, has_account=False) is MailTemplate.NEW_LOGIN


async def test_failures_are_tried_again_and_given_up(ctx: AppContext) -> None:
    await queue(ctx)
    post = Taking(MailUnavailable("451 later"))
    for attempt in range(1, len(PAUSES) + 2):
        assert await send_due(ctx, post) == 1
        ((status, attempts, error),) = await rows(ctx, "status, attempts, last_error")
        last = attempt == len(PAUSES) + 1
        assert (status, attempts, error) == ("failed" if last else "waiting", attempt, "451 later")
        assert await send_due(ctx, post) == 0
        await ctx.database.pool.execute("UPDATE mail SET due_at = now()")
    assert pause_after(1) == timedelta(seconds=15)
    assert pause_after(len(PAUSES) + 1) is None


async def test_a_refusal_is_final(ctx: AppContext) -> None:
    await queue(ctx)
    await send_due(ctx, Taking(MailRefused("550 no such user")))
    assert await rows(ctx, "status, sealed, last_error") == [("failed", None, "550 no such user")]


async def test_a_code_that_has_expired_is_not_mailed(ctx: AppContext) -> None:
    await queue(ctx, useless_after=datetime.now(UTC) - timedelta(seconds=1))
    post = Taking()
    await send_due(ctx, post)
    assert post.mails == []
    assert await rows(ctx) == [("dropped", 1)]


async def test_two_workers_send_each_mail_once(ctx: AppContext) -> None:
    for number in range(20):
        await queue(ctx, to=f"p{number}@x.example")
    post = Taking()

    async def work() -> None:
        while await send_due(ctx, post):
            pass

    await asyncio.gather(work(), work(), work())
    assert sorted(mail["To"] for mail in post.mails) == sorted(
        f"p{number}@x.example" for number in range(20)
    )


async def test_a_dead_workers_mail_is_sent_by_another(ctx: AppContext) -> None:
    await queue(ctx)
    ((row),) = await store.claim(ctx.database, 4)
    assert await send_due(ctx, Taking()) == 0
    await ctx.database.pool.execute("UPDATE mail SET due_at = now()")
    assert await send_due(ctx, post := Taking()) == 1
    # The dead one comes back: its lease is over, it changes nothing.
    await store.retry(ctx.database, row["id"], row["lease_token"], timedelta(0), "late")
    assert await rows(ctx, "status, last_error") == [("sent", "")]
    assert len(post.mails) == 1


def settings(url: str | None, env: str = "development") -> Settings:
    given: dict[str, Any] = {"mail_url": url, "env": env}
    if env == "production":
        given |= {"secret_keys": "A" * 44, "database_url": "x", "public_url": "https://p.example"}
    return Settings(_env_file=None, **given)


def test_the_settings_choose_the_post(tmp_path: Path) -> None:
    assert isinstance(post_for(settings(None)), ConsolePost)
    assert isinstance(post_for(settings("console:")), ConsolePost)
    chosen = post_for(settings(f"file:{tmp_path}"))
    assert isinstance(chosen, FilePost)
    assert chosen.folder == tmp_path
    smtp = post_for(settings("smtp://us%40er:p%2Fw@mail.example:2525?starttls=require"))
    assert isinstance(smtp, SmtpPost)
    assert (smtp.host, smtp.port, smtp.user, smtp.password) == (
        "mail.example", 2525, "us@er", "p/w",
    )  # fmt: skip
    assert smtp.insists
    assert post_for(settings(None, "production")) is None
    with pytest.raises(ValueError, match="unknown scheme"):
        settings("ftp://mail.example")


class MailServer:
    """The few words of SMTP that a client needs; `refuses` is the answer to RCPT."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.received: list[str] = []

    async def __aenter__(self) -> MailServer:
        self.server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().strip():
            word = line.split()[0].upper()
            if word == "DATA":
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                self.received.append(text.decode())
            if word == "RCPT" and self.refuses:
                writer.write(f"{self.refuses}\r\n".encode())
            else:
                writer.write(b"221 bye\r\n" if word == "QUIT" else b"250 fine\r\n")
            if word == "QUIT":
                break
        writer.close()


async def test_a_mail_server_gets_the_whole_mail(ctx: AppContext) -> None:
    await queue(ctx)
    async with MailServer() as server:
        await send_due(ctx, SmtpPost(f"smtp://127.0.0.1:{server.port}"))
    assert await rows(ctx) == [("sent", 1)]
    assert "To: ada@x.example" in server.received[0]
    assert "text/html" in server.received[0]


@pytest.mark.parametrize(
    ("answer", "status"), [("550 no such user", "failed"), ("451 try later", "waiting")]
)
async def test_a_mail_servers_no_is_final_or_not(ctx: AppContext, answer: str, status: str) -> None:
    await queue(ctx)
    async with MailServer(answer) as server:
        await send_due(ctx, SmtpPost(f"smtp://127.0.0.1:{server.port}"))
    assert await rows(ctx) == [(status, 1)]


async def test_a_password_is_not_sent_in_the_open(ctx: AppContext) -> None:
    await queue(ctx)
    async with MailServer() as server:
        await send_due(ctx, SmtpPost(f"smtp://user:secret@127.0.0.1:{server.port}"))
    ((status, error),) = await rows(ctx, "status, last_error")
    assert status == "waiting"
    assert "offers no STARTTLS" in error


async def test_a_mail_server_that_is_down_is_waited_for(ctx: AppContext) -> None:
    await queue(ctx)
    await send_due(ctx, SmtpPost("smtp://127.0.0.1:1"))
    assert await rows(ctx) == [("waiting", 1)]


async def test_a_worker_that_stops_writes_down_what_it_is_handing_over(ctx: AppContext) -> None:
    """The mail was sent, and another worker sent it again."""
    began, goes_on = threading.Event(), threading.Event()
    post = Taking()

    def slow(message: EmailMessage) -> None:
        began.set()
        assert goes_on.wait(60)
        post(message)

    await queue(ctx)
    working = asyncio.create_task(send_due(ctx, slow))
    await asyncio.to_thread(began.wait, 60)
    working.cancel()
    await asyncio.sleep(0)
    goes_on.set()
    await asyncio.gather(working, return_exceptions=True)
    assert working.cancelled()
    assert len(post.mails) == 1
    assert await rows(ctx, "status") == [("sent",)]
