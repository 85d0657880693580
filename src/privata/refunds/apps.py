from django.apps import AppConfig


class RefundsConfig(AppConfig):
    name = "privata.refunds"
    label = "refunds"
