import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    """The pace at which all workers together ask a provider about orders."""

    dependencies = [
        ("orders", "0017_attempts"),
    ]

    operations = [
        migrations.CreateModel(
            name="PollPace",
            fields=[
                (
                    "provider",
                    models.CharField(max_length=32, primary_key=True, serialize=False),
                ),
                (
                    "paid_until",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "poll_pace",
            },
        ),
    ]
