"""The applications that Django runs, by name. Here, for a command asks before Django is started."""

INSTALLED = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "privata.accounts",
    "privata.notifications",
    "privata.organizations",
    "privata.infra",
    "privata.apikeys",
    "privata.quotes",
    "privata.orders",
    "privata.refunds",
    "privata.payouts",
    "privata.ledger",
    "privata.events",
    "privata.webhooks",
    "privata.streams",
    "privata.audit",
    "privata.tokens",
    "privata.ui",
]
