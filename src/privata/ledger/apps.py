from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "privata.ledger"
    label = "ledger"
