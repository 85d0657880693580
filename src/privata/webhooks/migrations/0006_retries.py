import django.db.models.deletion
from django.db import migrations, models

# Earlier versions know neither the state nor the link: what was retried had been given up then, and
# its retry is one more replay.
_TO_EARLIER_STATES = """
UPDATE webhook_delivery SET replay = true, recovery_id = NULL WHERE retry_of_id IS NOT NULL;
UPDATE webhook_delivery SET status = 'exhausted' WHERE status = 'retried'
"""


class Migration(migrations.Migration):
    """A retry is a delivery of its own, linked to the one it takes over from."""

    dependencies = [("webhooks", "0005_waiting")]

    operations = [
        migrations.AddField(
            "delivery",
            "retry_of",
            models.ForeignKey(
                db_index=False,
                help_text="the delivery that this one is the retry of",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="webhooks.delivery",
            ),
        ),
        migrations.RemoveConstraint("delivery", "webhook_delivery_status"),
        migrations.AddConstraint(
            "delivery",
            models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["pending", "delivered", "exhausted", "retried"])
                ),
                name="webhook_delivery_status",
            ),
        ),
        migrations.AddConstraint(
            "delivery",
            models.UniqueConstraint(
                condition=models.Q(("retry_of__isnull", False)),
                fields=["retry_of"],
                name="webhook_delivery_retried_once",
            ),
        ),
        migrations.RemoveConstraint("delivery", "webhook_delivery_once"),
        migrations.AddConstraint(
            "delivery",
            models.UniqueConstraint(
                condition=models.Q(
                    ("replay", False), models.Q(("status", "retried"), _negated=True)
                ),
                fields=["endpoint", "event"],
                name="webhook_delivery_once",
            ),
        ),
        migrations.RemoveConstraint("delivery", "webhook_delivery_recovered_once"),
        migrations.AddConstraint(
            "delivery",
            models.UniqueConstraint(
                condition=models.Q(
                    ("recovery__isnull", False), models.Q(("status", "retried"), _negated=True)
                ),
                fields=["recovery", "event"],
                name="webhook_delivery_recovered_once",
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, _TO_EARLIER_STATES),
    ]
