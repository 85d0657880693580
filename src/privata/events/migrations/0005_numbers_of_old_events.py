from django.db import migrations

# Feeds that have events and no head.
_FEEDS = """
SELECT o.id, one.environment
FROM organization AS o CROSS JOIN (VALUES ('live'), ('test')) AS one (environment)
WHERE NOT EXISTS (SELECT FROM event_head AS h
                  WHERE h.organization_id = o.id AND h.environment = one.environment)
  AND EXISTS (SELECT FROM event AS e
              WHERE e.organization_id = o.id AND e.environment = one.environment)
"""

# In the order in which the feed told them until now. All at once: a feed that is numbered in part
# would be given to readers. Those who publish meanwhile wait for none of it.
_NUMBER = """
WITH numbered AS (
    INSERT INTO event_position (organization_id, environment, number, event_seq, created_at)
    SELECT e.organization_id, e.environment, row_number() OVER (ORDER BY e.xid, e.seq), e.seq,
           e.created_at
    FROM event AS e
    WHERE e.organization_id = %(organization)s AND e.environment = %(environment)s
      AND NOT EXISTS (
          SELECT FROM event_arrival AS a
          WHERE a.organization_id = e.organization_id AND a.environment = e.environment
            AND a.event_seq = e.seq)
    RETURNING number
)
INSERT INTO event_head (organization_id, environment, last)
SELECT %(organization)s, %(environment)s, count(*) FROM numbered HAVING count(*) > 0
"""


def number_old_events(apps, schema_editor):  # type: ignore[no-untyped-def]
    """A transaction for each feed, so that none is long; what is cut short goes on where it was."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(_FEEDS)
        for organization, environment in cursor.fetchall():
            cursor.execute(_NUMBER, {"organization": organization, "environment": environment})


class Migration(migrations.Migration):
    """Every event that was there has its number, in the order that the feed had."""

    atomic = False

    dependencies = [("events", "0004_numbers")]

    operations = [migrations.RunPython(number_old_events, migrations.RunPython.noop)]
