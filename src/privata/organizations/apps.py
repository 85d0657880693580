from django.apps import AppConfig


class OrganizationsConfig(AppConfig):
    name = "privata.organizations"
    label = "organizations"
