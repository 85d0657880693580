from django.db import migrations, models


class Migration(migrations.Migration):
    """What waits for an endpoint in the order of its events, tried or not: a resumption walks it."""

    dependencies = [("webhooks", "0004_pause_told")]

    operations = [
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["endpoint", "event"],
                condition=models.Q(("status", "pending")),
                name="webhook_delivery_waiting",
            ),
        ),
    ]
