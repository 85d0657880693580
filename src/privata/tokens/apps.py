from django.apps import AppConfig


class TokensConfig(AppConfig):
    name = "privata.tokens"
    label = "tokens"
