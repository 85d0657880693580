from django.apps import AppConfig


class RefundsConfig(AppConfig):
    name = "privata.refunds"
    label = "refunds"

    def ready(self) -> None:
        """Give the pages of orders what they show of a refund."""
        # Only here: models can be imported once all apps are known.
        from privata.orders.service import show_refunds_with
        from privata.refunds.panel import panel_of

        show_refunds_with(panel_of)
