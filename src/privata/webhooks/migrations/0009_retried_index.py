"""The deliveries that were retried are listed by an index of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0008_secret_by_program")]

    operations = [
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                fields=["organization", "environment", "-created_at", "-id"],
                condition=models.Q(status="retried"),
                name="webhook_delivery_retried",
            ),
        ),
    ]
