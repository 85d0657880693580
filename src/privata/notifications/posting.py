"""Where mails go: a mail server, files, or the console. One is chosen by `PRIVATA_MAIL_URL`."""

from __future__ import annotations

import os
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from privata.core.errors import PrivataError
from privata.infra.redaction import escaped
from privata.infra.settings import Settings
from privata.infra.tls import client_context

#: Seconds that a mail server may take for one step of a conversation.
TIMEOUT_S: Final = 20.0


class MailRefused(PrivataError):
    """The mail server refuses this mail for good; another try would end the same."""


class MailUnavailable(PrivataError):
    """The mail could not be handed over now."""


class Post(Protocol):
    """Takes one mail, or raises `MailRefused` or `MailUnavailable`. Called in a thread."""

    def __call__(self, message: EmailMessage) -> None: ...


class SmtpPost:
    """Hands mails to a mail server: `smtp://user:password@host:587`, or `smtps://` with TLS from
    the start. A plain connection becomes TLS whenever the server offers it, and always before a
    password is sent; `?starttls=require` insists."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.implicit_tls = parts.scheme == "smtps"
        self.host = parts.hostname or "localhost"
        self.port = parts.port or (465 if self.implicit_tls else 587)
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.insists = parse_qs(parts.query).get("starttls") == ["require"]

    def __call__(self, message: EmailMessage) -> None:
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            answers = ", ".join(f"{code} {text!r}" for code, text in error.recipients.values())
            final = all(code >= 500 for code, _ in error.recipients.values())
            raise (MailRefused if final else MailUnavailable)(answers) from error
        except smtplib.SMTPResponseException as error:
            # A refused log-in or sender is our configuration's fault: the mail waits.
            ours = isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused)
            final = error.smtp_code >= 500 and not ours
            text = f"{error.smtp_code} {error.smtp_error!r}"
            raise (MailRefused if final else MailUnavailable)(text) from error
        except (smtplib.SMTPException, OSError) as error:
            raise MailUnavailable(repr(error)) from error

    def _connected(self) -> smtplib.SMTP:
        context = client_context()
        if self.implicit_tls:
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif self.insists or self.user:
                server.close()
                raise MailUnavailable(f"{self.host} offers no STARTTLS")
        if self.user:
            server.login(self.user, self.password)
        return server


class FilePost:
    """Writes each mail into a folder, for development and tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, message: EmailMessage) -> None:
        name = str(message["Message-ID"]).strip("<>").partition("@")[0]
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            draft = self.folder / f".{name}"
            draft.write_bytes(message.as_bytes())
            # A reader finds a whole file or none.
            os.replace(draft, self.folder / f"{name}.eml")  # noqa: PTH105
        except OSError as error:
            raise MailUnavailable(repr(error)) from error


class ConsolePost:
    """Writes each mail's plain text on standard error, for development: whoever starts Privata
    is to see the codes and links. A log would mask them. Production refuses it."""

    def __call__(self, message: EmailMessage) -> None:
        body = message.get_body(("plain",))
        text = body.get_content() if body is not None else ""
        head = f"mail to {message['To']}: {message['Subject']}"
        lines = [escaped(head), *(f"    | {escaped(line)}" for line in text.splitlines())]
        sys.stderr.write("\n".join(lines) + "\n")


def post_for(settings: Settings) -> Post | None:
    """The post that the settings name; None in production when they name none: mails wait."""
    url = settings.mail_url
    if url is None:
        return ConsolePost() if settings.development else None
    parts = urlsplit(url)
    if parts.scheme == "console":
        return ConsolePost()
    if parts.scheme == "file":
        return FilePost(Path(unquote(parts.netloc + parts.path)))
    return SmtpPost(url)


def sender_address(settings: Settings) -> str:
    """Who the mails are from."""
    host = urlsplit(settings.base_url).hostname or "localhost"
    return settings.mail_from or f"Privata <no-reply@{host}>"
