from django.db import migrations, models


class Migration(migrations.Migration):
    """A secret says whether a program made it. Of the older ones nobody is told any more."""

    dependencies = [("webhooks", "0007_deleted")]

    operations = [
        migrations.AddField(
            "endpointsecret",
            "by_program",
            models.BooleanField(
                db_default=False, help_text="made with a key or a token: the owners are told"
            ),
        ),
    ]
