from django.apps import AppConfig


class PayoutsConfig(AppConfig):
    name = "privata.payouts"
    label = "payouts"
