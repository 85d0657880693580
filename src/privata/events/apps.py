from django.apps import AppConfig


class EventsConfig(AppConfig):
    name = "privata.events"
    label = "events"
