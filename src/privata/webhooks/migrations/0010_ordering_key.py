from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0009_retried_index")]

    operations = [
        migrations.RenameField(
            model_name="endpoint", old_name="strict_lanes", new_name="strict_ordering"
        ),
        migrations.RenameIndex(
            model_name="delivery",
            old_name="webhook_delivery_lane",
            new_name="webhook_delivery_ordering_key",
        ),
        migrations.AlterField(
            model_name="delivery",
            name="order_id",
            field=models.CharField(
                help_text="the ordering key; null: none", max_length=40, null=True
            ),
        ),
    ]
