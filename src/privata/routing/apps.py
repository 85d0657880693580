from django.apps import AppConfig


class RoutingConfig(AppConfig):
    name = "privata.routing"
    label = "routing"
