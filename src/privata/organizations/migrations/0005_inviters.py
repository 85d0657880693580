"""Invitations know who made them, to be judged by that person's role of now."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# An invitation whose inviter is not found any more is over: nobody answers for it.
BACKFILL = """
UPDATE invitation AS i SET inviter_id = u.id FROM app_user AS u
WHERE lower(u.email) = lower(i.invited_by)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("organizations", "0004_share_percent"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="invitation",
            name="inviter",
            field=models.ForeignKey(
                help_text="whose role is judged at acceptance; null: nobody's, it is over",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
    ]
