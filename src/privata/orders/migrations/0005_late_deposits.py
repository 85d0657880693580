from django.db import migrations, models


class Migration(migrations.Migration):
    """What came after an order had expired, beside the order: it stays expired."""

    dependencies = [("orders", "0004_by_update")]

    operations = [
        migrations.AddField(
            "order",
            "late_state",
            models.CharField(help_text="null: nothing came late", max_length=16, null=True),
        ),
        migrations.AddField("order", "late_seen_at", models.DateTimeField(null=True)),
        migrations.AddField("order", "late_finished_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "order",
            "late_note",
            models.CharField(help_text="told to the partner", max_length=256, null=True),
        ),
        migrations.AddIndex(
            "order",
            models.Index(
                condition=models.Q(("late_state", "seen")),
                fields=["late_seen_at"],
                name="orders_late_open",
            ),
        ),
        migrations.AddConstraint(
            "order",
            models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("late_finished_at", None),
                        ("late_note", None),
                        ("late_seen_at", None),
                        ("late_state", None),
                    ),
                    models.Q(
                        ("late_finished_at", None),
                        ("late_seen_at__isnull", False),
                        ("late_state", "seen"),
                        ("status", "expired"),
                    ),
                    models.Q(
                        ("late_finished_at__isnull", False),
                        ("late_seen_at__isnull", False),
                        ("late_state__in", ["closed", "refunded", "swapped"]),
                        ("status", "expired"),
                    ),
                    _connector="OR",
                ),
                name="orders_late_whole",
            ),
        ),
    ]
