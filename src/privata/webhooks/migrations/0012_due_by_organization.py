from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Paused endpoints and running recoveries, by organization."""

    atomic = False

    dependencies = [("webhooks", "0011_ids_in_time_order")]

    operations = [
        AddIndexConcurrently(
            model_name="endpoint",
            index=models.Index(
                fields=["organization", "environment", "paused_at"],
                condition=models.Q(status="paused"),
                name="webhook_endpoint_paused",
            ),
        ),
        AddIndexConcurrently(
            model_name="recovery",
            index=models.Index(
                fields=["organization", "environment", "next_at"],
                condition=models.Q(status="running"),
                name="webhook_recovery_due",
            ),
        ),
    ]
