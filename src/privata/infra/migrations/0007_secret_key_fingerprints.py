from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models
from django.db.models.functions import Now

LENGTHS = """
ALTER TABLE secret_key
    ADD CONSTRAINT secret_key_lengths
    CHECK (octet_length(name) = 4 AND octet_length(fingerprint) = 32);
"""


class Migration(migrations.Migration):
    """What the database knows of the installation's secret keys, and of who works with them."""

    dependencies = [("infra", "0006_database_generation")]

    operations = [
        migrations.CreateModel(
            name="SecretKey",
            fields=[
                (
                    "name",
                    models.BinaryField(
                        help_text="begins what the key sealed", primary_key=True, serialize=False
                    ),
                ),
                (
                    "fingerprint",
                    models.BinaryField(help_text="derived from the key, for this table alone"),
                ),
                (
                    "seen_at",
                    models.DateTimeField(db_default=Now(), help_text="first known to a process"),
                ),
                (
                    "first_at",
                    models.DateTimeField(
                        help_text="last start with this key first; null: it has sealed nothing",
                        null=True,
                    ),
                ),
                (
                    "retired_at",
                    models.DateTimeField(help_text="needed by nothing since then", null=True),
                ),
            ],
            options={"db_table": "secret_key"},
        ),
        migrations.CreateModel(
            name="SecretKeyProcess",
            fields=[
                ("id", models.UUIDField(primary_key=True, serialize=False)),
                (
                    "label",
                    models.CharField(help_text="which program on which machine", max_length=200),
                ),
                (
                    "keys",
                    ArrayField(
                        base_field=models.BinaryField(),
                        help_text="the names of its keys; the first one seals",
                        size=None,
                    ),
                ),
                ("seen_at", models.DateTimeField(db_default=Now())),
            ],
            options={"db_table": "secret_key_process"},
        ),
        migrations.RunSQL(LENGTHS, "ALTER TABLE secret_key DROP CONSTRAINT secret_key_lengths"),
    ]
