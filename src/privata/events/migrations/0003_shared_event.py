"""The view through which the SQL of other rooms reads the log of events.

It asks for the rights of who reads through it, so the log stays append-only, and PostgreSQL puts it
into the reader's statement. A change of its columns makes it anew.
"""

from django.db import migrations

MADE = """
CREATE VIEW shared_event WITH (security_invoker = true) AS
SELECT seq, event_id, organization_id, environment, channel, type, order_id, order_seq, body,
       created_at
FROM event;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0002_feed")]

    operations = [migrations.RunSQL(MADE, "DROP VIEW shared_event")]
