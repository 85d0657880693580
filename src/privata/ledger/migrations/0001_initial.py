import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("organizations", "0004_share_percent"),
    ]

    operations = [
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                ("cause_id", models.CharField(max_length=64)),
                ("step", models.CharField(max_length=16)),
                (
                    "postings",
                    models.SmallIntegerField(help_text="how many it has; none can be added later"),
                ),
                (
                    "reason",
                    models.CharField(
                        db_default="", help_text="an operator's words", max_length=500
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_entry",
            },
        ),
        migrations.CreateModel(
            name="LedgerEarning",
            fields=[
                ("order_id", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("usd_value", models.DecimalField(decimal_places=8, max_digits=20)),
                ("commission_bps", models.SmallIntegerField()),
                ("share_percent", models.SmallIntegerField()),
                ("markup_bps", models.SmallIntegerField()),
                (
                    "share",
                    models.DecimalField(
                        decimal_places=8,
                        help_text="the partner's part of the platform's commission",
                        max_digits=20,
                    ),
                ),
                (
                    "markup",
                    models.DecimalField(
                        decimal_places=8, help_text="the partner's own markup", max_digits=20
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                (
                    "entry",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.ledgerentry",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_earning",
            },
        ),
        migrations.CreateModel(
            name="LedgerHold",
            fields=[
                ("order_id", models.CharField(max_length=40, primary_key=True, serialize=False)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                ("due_at", models.DateTimeField(help_text="when it becomes available")),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_hold",
            },
        ),
        migrations.CreateModel(
            name="LedgerPosting",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "entry_id",
                        "account",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("account", models.CharField(max_length=16)),
                ("amount", models.DecimalField(decimal_places=8, max_digits=20)),
                (
                    "entry",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.ledgerentry",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_posting",
            },
        ),
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "name",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=16)),
                ("balance", models.DecimalField(db_default=0, decimal_places=8, max_digits=20)),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "db_table": "ledger_account",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "name__in",
                                [
                                    "pending",
                                    "available",
                                    "payout_in_flight",
                                    "paid",
                                    "takings",
                                    "commission",
                                    "corrections",
                                    "rounding",
                                ],
                            )
                        ),
                        name="ledger_account_name",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("name", "available"), _negated=True),
                            ("balance__gte", 0),
                            _connector="OR",
                        ),
                        name="ledger_available_covers",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("name__in", ["pending", "payout_in_flight", "paid"]), _negated=True
                            ),
                            ("balance__gte", 0),
                            _connector="OR",
                        ),
                        name="ledger_account_covers",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="ledgerentry",
            index=models.Index(fields=["organization", "at"], name="ledger_entry_recent"),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["order", "payout", "correction"])),
                name="ledger_entry_kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cause_id", ""), _negated=True), models.Q(("step", ""), _negated=True)
                ),
                name="ledger_entry_cause",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("postings__gte", 2)), name="ledger_entry_postings"
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerentry",
            constraint=models.UniqueConstraint(
                fields=("kind", "cause_id", "step"), name="ledger_entry_once"
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerearning",
            index=models.Index(fields=["organization", "at"], name="ledger_earning_recent"),
        ),
        migrations.AddConstraint(
            model_name="ledgerearning",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("markup__gte", 0),
                    ("share__gte", 0),
                    ("usd_value__gt", 0),
                    ("usd_value__lt", 1000000000000),
                ),
                name="ledger_earning_amounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerearning",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("commission_bps__range", (0, 10000)),
                    ("markup_bps__range", (0, 10000)),
                    ("share_percent__range", (0, 100)),
                ),
                name="ledger_earning_terms",
            ),
        ),
        migrations.AddIndex(
            model_name="ledgerhold",
            index=models.Index(fields=["due_at"], name="ledger_hold_due"),
        ),
        migrations.AddConstraint(
            model_name="ledgerhold",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0), ("amount__lt", 1000000000000)),
                name="ledger_hold_amount",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerposting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "account__in",
                        [
                            "pending",
                            "available",
                            "payout_in_flight",
                            "paid",
                            "takings",
                            "commission",
                            "corrections",
                            "rounding",
                        ],
                    )
                ),
                name="ledger_posting_account",
            ),
        ),
        migrations.AddConstraint(
            model_name="ledgerposting",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("amount", 0), _negated=True),
                    ("amount__gt", -1000000000000),
                    ("amount__lt", 1000000000000),
                ),
                name="ledger_posting_amount",
            ),
        ),
    ]
