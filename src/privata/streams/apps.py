from django.apps import AppConfig


class StreamsConfig(AppConfig):
    name = "privata.streams"
    label = "streams"
