from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "privata.audit"
    label = "audit"
