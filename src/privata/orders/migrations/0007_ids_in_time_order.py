from django.db import migrations, models

import privata.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0006_order_facts"),
    ]

    operations = [
        migrations.AlterField(
            model_name="orderexport",
            name="id",
            field=models.UUIDField(
                default=privata.core.ids.new_id, primary_key=True, serialize=False
            ),
        ),
    ]
