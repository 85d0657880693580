from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "privata.orders"
    label = "orders"
