"""Pages of orders, below `/<environment>/orders/`."""

from __future__ import annotations

from django.urls import path

from privata.orders import views
from privata.orders.export import views as export_views
from privata.orders.list import views as list_views

app_name = "orders"

urlpatterns = [
    path("", list_views.listing, name="list"),
    path("fragments/rows", list_views.rows, name="rows"),
    path("look", list_views.keep_look, name="keep_look"),
    path("views", list_views.save_view, name="save_view"),
    path("views/<number:view_id>/rename", list_views.rename_view, name="rename_view"),
    path("views/<number:view_id>/delete", list_views.delete_view, name="delete_view"),
    path("views/<number:view_id>/default", list_views.default_view, name="default_view"),
    path("export", export_views.export_page, name="export"),
    path("export/now", export_views.download_now, name="export_now"),
    path("export/start", export_views.start, name="export_start"),
    path("export/files", export_views.export_files, name="export_files"),
    path("export/<uuid:export_id>.csv", export_views.download, name="export_file"),
    path("<str:order_id>", views.detail, name="detail"),
    path("<str:order_id>/fragment", views.detail_fragment, name="detail_fragment"),
]
