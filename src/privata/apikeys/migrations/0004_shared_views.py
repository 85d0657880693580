"""Views through which the SQL of other rooms asks whether a key is still good: no digest in them.

They ask for the rights of who reads through them, and PostgreSQL puts them into the reader's
statement. A change of their columns makes them anew.
"""

from django.db import migrations

MADE = """
CREATE VIEW shared_api_key WITH (security_invoker = true) AS
SELECT id, organization_id, environment, scopes, revoked_at, expires_on FROM api_key;

CREATE VIEW shared_api_key_secret WITH (security_invoker = true) AS
SELECT key_id, prefix, dead_at FROM api_key_secret;
"""

DROPPED = "DROP VIEW shared_api_key; DROP VIEW shared_api_key_secret;"


class Migration(migrations.Migration):
    dependencies = [("apikeys", "0003_makers")]

    operations = [migrations.RunSQL(MADE, DROPPED)]
