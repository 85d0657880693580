"""Who has seen which secret of a key (docs/decisions/0022)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# The current secret was made by who created the key or rotated it last: the audit log knows. Where
# that month is archived, the address that created a key says who made it, unless it was rotated.
# Of what is left nobody knows, and scopes about money are not in force until the next rotation.
BACKFILL = """
WITH last AS (
    SELECT DISTINCT ON (e.target) e.target, e.actor_kind, e.actor_id FROM audit_entry AS e
    WHERE e.action IN ('api_key.created', 'api_key.rotated') ORDER BY e.target, e.id DESC
), known AS (
    SELECT s.id,
           CASE WHEN last.target IS NULL AND s.created_at = k.created_at THEN by_email.id
                WHEN last.actor_kind = 'user' THEN by_id.id END AS maker_id,
           coalesce(last.actor_kind IN ('operator', 'system'), false) AS by_operator
    FROM api_key_secret AS s JOIN api_key AS k ON k.id = s.key_id
    LEFT JOIN last ON last.target = k.id::text
    LEFT JOIN app_user AS by_id ON by_id.id::text = last.actor_id
    LEFT JOIN app_user AS by_email ON lower(by_email.email) = lower(k.created_by)
    WHERE s.dead_at IS NULL
)
UPDATE api_key_secret AS s SET maker_id = known.maker_id, by_operator = known.by_operator
FROM known WHERE known.id = s.id
"""


class Migration(migrations.Migration):
    dependencies = [
        ("apikeys", "0002_secrets"),
        ("audit", "0003_chain"),
        ("organizations", "0004_share_percent"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="apikeysecret",
            name="maker",
            field=models.ForeignKey(
                help_text="the member who has seen it; null and not by_operator: nobody knows who",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="apikeysecret",
            name="by_operator",
            field=models.BooleanField(db_default=False, help_text="made on the command line"),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        # The check of the foreign key waits for the commit, and a table with such a check open
        # takes no constraint: check now.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="apikeysecret",
            constraint=models.CheckConstraint(
                condition=models.Q(by_operator=False) | models.Q(maker=None),
                name="api_key_secret_one_maker",
            ),
        ),
    ]
