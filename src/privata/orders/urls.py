"""Pages of orders, below `/<environment>/orders/`."""

from __future__ import annotations

from django.urls import path

from privata.orders import views

app_name = "orders"

urlpatterns = [
    path("", views.listing, name="list"),
    path("fragments/rows", views.rows, name="rows"),
    path("<str:order_id>", views.detail, name="detail"),
    path("<str:order_id>/fragment", views.detail_fragment, name="detail_fragment"),
]
