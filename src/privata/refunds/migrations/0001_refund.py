import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Orders that needed a refund before there was a clock for their windows: it looks at them at once.
_WIND_THE_CLOCK = """
UPDATE orders SET poll_at = now() WHERE status = 'refund_required' AND poll_at IS NULL
"""


class Migration(migrations.Migration):
    """The one action of an order that needs a refund."""

    initial = True

    dependencies = [
        ("orders", "0001_initial"),
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        serialize=False,
                        to="orders.order",
                    ),
                ),
                (
                    "environment",
                    models.CharField(choices=[("live", "live"), ("test", "test")], max_length=4),
                ),
                ("action", models.CharField(max_length=32)),
                ("to_address", models.CharField(max_length=256, null=True)),
                ("to_extra_id", models.CharField(max_length=256, null=True)),
                ("stable_target", models.CharField(max_length=16, null=True)),
                ("state", models.CharField(db_default="requested", max_length=16)),
                ("source", models.CharField(max_length=16)),
                ("requested_by", models.CharField(help_text="the actor's label", max_length=254)),
                ("provider_reference", models.CharField(max_length=128, null=True)),
                (
                    "failure",
                    models.CharField(
                        help_text="why it failed, in a sentence", max_length=256, null=True
                    ),
                ),
                (
                    "attempts",
                    models.IntegerField(db_default=0, help_text="since the provider last answered"),
                ),
                (
                    "silent_since",
                    models.DateTimeField(help_text="first attempt without an answer", null=True),
                ),
                (
                    "lease_token",
                    models.IntegerField(db_default=0, help_text="fences off a worker that lost it"),
                ),
                (
                    "due_at",
                    models.DateTimeField(help_text="when a worker may take it (again)", null=True),
                ),
                (
                    "requested_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, to="organizations.organization"
                    ),
                ),
            ],
            options={
                "db_table": "refund",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="refund_due",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("environment__in", ["live", "test"])),
                        name="refund_environment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "action__in",
                                ["return_to_refund_address", "convert_to_stable", "manual_review"],
                            )
                        ),
                        name="refund_action",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("state__in", ["requested", "processing", "done", "failed"])
                        ),
                        name="refund_state",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("source__in", ["api", "dashboard", "default"])),
                        name="refund_source",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("action", "return_to_refund_address"),
                                ("stable_target", None),
                                ("to_address__isnull", False),
                            ),
                            models.Q(
                                ("action", "convert_to_stable"),
                                (
                                    "stable_target__in",
                                    ["USDT-TRC20", "USDT-ERC20", "USDC-ERC20", "USDC-SOL"],
                                ),
                                ("to_address__isnull", False),
                            ),
                            models.Q(
                                ("action", "manual_review"),
                                ("stable_target", None),
                                ("state", "done"),
                                ("to_address", None),
                                ("to_extra_id", None),
                            ),
                            _connector="OR",
                        ),
                        name="refund_fits_action",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("due_at__isnull", False),
                                ("failure", None),
                                ("finished_at", None),
                                ("state__in", ["requested", "processing"]),
                            ),
                            models.Q(
                                ("due_at", None),
                                ("failure", None),
                                ("finished_at__isnull", False),
                                ("state", "done"),
                            ),
                            models.Q(
                                ("due_at", None),
                                ("failure__isnull", False),
                                ("finished_at__isnull", False),
                                ("state", "failed"),
                            ),
                            _connector="OR",
                        ),
                        name="refund_fits_state",
                    ),
                ],
            },
        ),
        migrations.RunSQL(_WIND_THE_CLOCK, migrations.RunSQL.noop),
    ]
