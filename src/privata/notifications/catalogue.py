"""Every mail we send, by the name of its text in `mail_templates/`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MailTemplate(StrEnum):
    """A mail's text: `<name>.txt`, whose first line is the subject, and `<name>.html`."""

    SIGN_UP_CODE = "sign_up_code"
    ACCOUNT_EXISTS = "account_exists"
    NEW_DEVICE_CODE = "new_device_code"
    NEW_LOGIN = "new_login"
    ACCOUNT_LOCKED = "account_locked"
    SECOND_FACTOR_LOCKED = "second_factor_locked"
    SECOND_FACTOR_ON = "second_factor_on"
    SECOND_FACTOR_OFF = "second_factor_off"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a text
    RESET_LINK = "reset_link"
    INVITATION = "invitation"
    MEMBER_JOINED = "member_joined"
    ORGANIZATION_APPROVED = "organization_approved"
    ORGANIZATION_REJECTED = "organization_rejected"
    KEYS_CUT = "keys_cut"
    KEY_EXPIRES = "key_expires"
    ENDPOINT_PAUSED = "endpoint_paused"
    SECRET_MADE = "secret_made"  # noqa: S105 - the name of a text
    PAYOUT_ADDRESS_ADDED = "payout_address_added"
    PAYOUT_SENT = "payout_sent"


@dataclass(frozen=True, slots=True)
class Audience:
    """Who gets a mail, decided when it is sent and not when it is asked for: a request that
    concerns an address must cost the same whether the address has an account or not."""

    with_account: MailTemplate | None
    without_account: MailTemplate | None


#: Templates that depend on whether their recipient has an account; all others simply go out.
AUDIENCES: Final = {
    MailTemplate.SIGN_UP_CODE: Audience(MailTemplate.ACCOUNT_EXISTS, MailTemplate.SIGN_UP_CODE),
    MailTemplate.RESET_LINK: Audience(MailTemplate.RESET_LINK, None),
    MailTemplate.ACCOUNT_LOCKED: Audience(MailTemplate.ACCOUNT_LOCKED, None),
}


def chosen_template(asked: MailTemplate, *, has_account: bool) -> MailTemplate | None:
    """The text that goes out; None: nobody gets anything."""
    audience = AUDIENCES.get(asked)
    if audience is None:
        return asked
    return audience.with_account if has_account else audience.without_account
