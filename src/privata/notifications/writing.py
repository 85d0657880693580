"""A mail template and its values become a mail: subject, plain text, HTML."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from functools import cache
from pathlib import Path
from typing import Final
from uuid import UUID

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from privata.core.clock import Clock
from privata.notifications.catalogue import MailTemplate

_TEMPLATES: Final = Path(__file__).with_name("mail_templates")
_SUBJECT: Final = "Subject: "


@dataclass(frozen=True, slots=True)
class Sender:
    """From whom mails come, and the address of the installation they speak of."""

    address: str
    base_url: str


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def write(
    template: MailTemplate,
    *,
    mail_id: UUID,
    recipient: str,
    values: Mapping[str, str],
    sender: Sender,
    clock: Clock,
) -> EmailMessage:
    """The mail, ready to be handed over. The `Message-ID` is the same on every attempt, so that a
    mail server which got it twice can tell."""
    # The values come from people: a line end in one must not begin another header or paragraph.
    lines = {name: " ".join(value.split()) for name, value in values.items()}
    known = {"recipient": recipient, "base_url": sender.base_url} | lines
    text = _environment().get_template(f"{template.value}.txt").render(known)
    subject, _, body = text.partition("\n")
    assert subject.startswith(_SUBJECT), f"{template}.txt begins with its subject"
    subject = subject.removeprefix(_SUBJECT)
    page = _environment().get_template(f"{template.value}.html")
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = sender.address
    message["To"] = recipient
    message["Date"] = format_datetime(clock.now())
    domain = make_msgid(domain="privata").rpartition("@")[2].rstrip(">")
    message["Message-ID"] = f"<{mail_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body.strip() + "\n")
    message.add_alternative(page.render(known | {"subject": message["Subject"]}), subtype="html")
    return message
