from django.apps import AppConfig


class UiConfig(AppConfig):
    name = "privata.ui"
    label = "ui"
