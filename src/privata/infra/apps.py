from django.apps import AppConfig


class InfraConfig(AppConfig):
    name = "privata.infra"
    label = "infra"
