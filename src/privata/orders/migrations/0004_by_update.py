from django.db import migrations, models


class Migration(migrations.Migration):
    """What has changed since a moment: the filter `updated_after`."""

    dependencies = [("orders", "0003_lookup_form")]

    operations = [
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                fields=["organization", "environment", "updated_at"], name="orders_by_updated"
            ),
        ),
    ]
