from django.db import migrations, models


class Migration(migrations.Migration):
    """A bucket is asked for several calls at once. It is unlogged and small: rewriting it is quick."""

    dependencies = [
        ("infra", "0002_rate_buckets"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ratebucket",
            name="granted",
            field=models.IntegerField(help_text="how many of the last calls got their token"),
        ),
    ]
