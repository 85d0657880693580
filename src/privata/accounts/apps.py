from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "privata.accounts"
    label = "accounts"
