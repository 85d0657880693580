from django.db import migrations, models

# What was paused before this version is no news any more.
TOLD = "UPDATE webhook_endpoint SET pause_told_at = paused_at WHERE paused_at IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0003_recovery_tools"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="pause_told_at",
            field=models.DateTimeField(help_text="the pause a mail was sent for", null=True),
        ),
        migrations.RunSQL(TOLD, migrations.RunSQL.noop),
    ]
