from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "privata.notifications"
    label = "notifications"
