from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "privata.webhooks"
    label = "webhooks"
