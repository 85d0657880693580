import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    """What was asked of real exchanges, before they are called."""

    dependencies = [
        ("organizations", "0001_initial"),
        ("orders", "0016_provider_secret"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrderAttempt",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        "quote_id",
                        "provider",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "environment",
                    models.CharField(choices=[("live", "live"), ("test", "test")], max_length=4),
                ),
                ("quote_id", models.CharField(max_length=40)),
                ("provider", models.CharField(max_length=32)),
                ("fate", models.CharField(db_default="asked", max_length=8)),
                ("fault", models.CharField(max_length=32, null=True)),
                (
                    "begun_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "db_table": "order_attempt",
                "indexes": [models.Index(fields=["begun_at"], name="order_attempt_age")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("environment__in", ["live"])),
                        name="order_attempt_is_live",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fate__in", ["asked", "made", "refused", "unknown"])),
                        name="order_attempt_fate",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("fate", "asked")),
                            models.Q(
                                models.Q(("fate", "asked"), _negated=True),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="order_attempt_whole",
                    ),
                ],
            },
        ),
    ]
