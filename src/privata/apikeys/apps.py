from django.apps import AppConfig


class ApiKeysConfig(AppConfig):
    name = "privata.apikeys"
    label = "apikeys"
