from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """What the sources of prices say, and what of it is believed."""

    dependencies = [("quotes", "0003_rates_of_providers")]

    operations = [
        migrations.CreateModel(
            name="PriceSource",
            fields=[
                ("name", models.CharField(max_length=32, primary_key=True, serialize=False)),
                (
                    "ask_at",
                    models.DateTimeField(db_default=Now(), help_text="when a worker may ask it"),
                ),
                (
                    "fault",
                    models.CharField(
                        max_length=32, null=True, help_text="why the last round failed"
                    ),
                ),
            ],
            options={"db_table": "price_source"},
        ),
        migrations.CreateModel(
            name="PriceReport",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "ticker",
                        "source",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("ticker", models.CharField(max_length=16)),
                ("source", models.CharField(max_length=32)),
                ("usd", models.DecimalField(decimal_places=24, max_digits=60, null=True)),
                ("asked_at", models.DateTimeField(db_default=Now())),
            ],
            options={
                "db_table": "price_report",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("usd__gt", 0)), name="price_report_positive"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="AssetPrice",
            fields=[
                ("ticker", models.CharField(max_length=16, primary_key=True, serialize=False)),
                ("usd", models.DecimalField(decimal_places=24, max_digits=60)),
                ("sources", models.TextField(help_text="whose median it is, comma-separated")),
                ("as_of", models.DateTimeField(db_default=Now())),
                ("refused", models.DecimalField(decimal_places=24, max_digits=60, null=True)),
                ("refused_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "asset_price",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("usd__gt", 0)), name="asset_price_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("refused", None), ("refused_at", None))
                        | models.Q(("refused__gt", 0), ("refused_at__isnull", False)),
                        name="asset_price_refused_whole",
                    ),
                ],
            },
        ),
    ]
