"""The rooms put together: what each of them is given by those that stand above it.

Every program calls `wire` before it works; a hook that nobody filled raises when it is needed. The
hooks that only pages use are filled by `dashboard.urls`, which is loaded with the first page.
"""

from __future__ import annotations

from privata.accounts.sealed import APPS, SESSIONS
from privata.apikeys.digests import KEYS
from privata.apikeys.members import cut_keys_of_member, first_test_key
from privata.events.service import FAN_OUT
from privata.infra.http.sealed_answers import ANSWERS
from privata.infra.secret_keys.columns import SEALED
from privata.infra.secret_keys.redigesting import DIGESTS
from privata.notifications.sealed import MAILS
from privata.orders.provider_secrets import ORDERS
from privata.organizations import hooks as organizations
from privata.routing.sealed import CREDENTIALS
from privata.tokens.digests import TOKENS
from privata.webhooks.fan_out import OWE
from privata.webhooks.signing.sealed import SECRETS


def wire() -> None:
    """Fill the hooks of the rooms but those of pages; again is no error."""
    organizations.ROLE_FELL.fill(cut_keys_of_member)
    organizations.FIRST_KEY.fill(first_test_key)
    FAN_OUT.fill(OWE)
    SEALED.fill((SECRETS, APPS, SESSIONS, MAILS, ANSWERS, ORDERS, CREDENTIALS))
    DIGESTS.fill((KEYS, TOKENS))
