from django.db import migrations, models

import privata.core.ids
import privata.infra.fields


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0010_ordering_key"),
        ("infra", "0009_ids_in_time_order"),
    ]

    operations = [
        migrations.AlterField(
            model_name="delivery",
            name="id",
            field=models.UUIDField(
                db_default=privata.infra.fields.NewId(), primary_key=True, serialize=False
            ),
        ),
        migrations.AlterField(
            model_name="endpoint",
            name="id",
            field=models.UUIDField(
                default=privata.core.ids.new_id, primary_key=True, serialize=False
            ),
        ),
        migrations.AlterField(
            model_name="endpointsecret",
            name="id",
            field=models.UUIDField(
                default=privata.core.ids.new_id, primary_key=True, serialize=False
            ),
        ),
        migrations.AlterField(
            model_name="recovery",
            name="id",
            field=models.UUIDField(
                default=privata.core.ids.new_id, primary_key=True, serialize=False
            ),
        ),
    ]
