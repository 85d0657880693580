from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Orders that are due, by organization, and all that is needed to tell who has some."""

    atomic = False

    dependencies = [("orders", "0007_ids_in_time_order")]

    operations = [
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["organization", "environment", "poll_at"],
                condition=models.Q(poll_at__isnull=False),
                name="orders_to_poll_by_owner",
            ),
        ),
        AddIndexConcurrently(
            model_name="order",
            index=models.Index(
                fields=["poll_at"],
                include=["organization", "environment", "status"],
                condition=models.Q(poll_at__isnull=False),
                name="orders_who_to_poll",
            ),
        ),
        # `orders_who_to_poll` does all that it did.
        RemoveIndexConcurrently(model_name="order", name="orders_to_poll"),
    ]
