from django.db import migrations, models

import privata.core.ids


class Migration(migrations.Migration):
    dependencies = [
        ("streams", "0001_initial"),
    ]

    operations = [
        migrations.AlterField(
            model_name="streamnode",
            name="id",
            field=models.UUIDField(
                default=privata.core.ids.new_id, primary_key=True, serialize=False
            ),
        ),
    ]
