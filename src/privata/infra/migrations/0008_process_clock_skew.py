from django.db import migrations, models


class Migration(migrations.Migration):
    """Each process that runs tells how far its machine's clock is off, for the console."""

    dependencies = [("infra", "0007_secret_key_fingerprints")]

    operations = [
        migrations.AddField(
            model_name="secretkeyprocess",
            name="clock_skew_ms",
            field=models.BigIntegerField(
                help_text="how far its machine's clock is ahead of the database's", null=True
            ),
        ),
    ]
