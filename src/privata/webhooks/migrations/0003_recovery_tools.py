import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    """How far a recovery is, and the indexes of recoveries and replays."""

    dependencies = [("webhooks", "0002_pause_resume_recover"), ("events", "0002_feed")]

    operations = [
        migrations.AddField("recovery", "reached_seq", models.BigIntegerField(db_default=0)),
        migrations.AddField("recovery", "last_seq", models.BigIntegerField(db_default=0)),
        migrations.AddField(
            "recovery",
            "next_at",
            models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddConstraint(
            "delivery",
            models.UniqueConstraint(
                fields=["recovery", "event"],
                condition=models.Q(("recovery__isnull", False)),
                name="webhook_delivery_recovered_once",
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["endpoint", "event"],
                condition=models.Q(("replay", False), ("status", "exhausted")),
                name="webhook_delivery_missed",
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["endpoint", "event"],
                condition=models.Q(("replay", True)),
                name="webhook_delivery_replays",
            ),
        ),
        migrations.AddIndex(
            "delivery",
            models.Index(
                fields=["endpoint", "created_at"],
                condition=models.Q(("recovery", None), ("replay", True)),
                name="webhook_delivery_by_hand",
            ),
        ),
    ]
