from django.db import migrations, models


class Migration(migrations.Migration):
    """A bucket is an organization's in one environment: the words only, the column stays."""

    dependencies = [("infra", "0004_old_snapshots")]

    operations = [
        migrations.AlterField(
            model_name="ratebucket",
            name="subject",
            field=models.CharField(
                help_text="an organization and environment, or an address", max_length=64
            ),
        ),
    ]
