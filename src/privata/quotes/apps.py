from django.apps import AppConfig


class QuotesConfig(AppConfig):
    name = "privata.quotes"
    label = "quotes"
