from django.db import migrations, models


class Migration(migrations.Migration):
    """An endpoint can be deleted: out of use and out of sight; the log keeps its deliveries."""

    dependencies = [("webhooks", "0006_retries")]

    operations = [
        migrations.AddField(
            "endpoint",
            "deleted_at",
            models.DateTimeField(help_text="the log alone knows it from then on", null=True),
        ),
        migrations.AddConstraint(
            "endpoint",
            models.CheckConstraint(
                condition=models.Q(("deleted_at", None), ("status", "disabled"), _connector="OR"),
                name="webhook_endpoint_deleted_whole",
            ),
        ),
    ]
