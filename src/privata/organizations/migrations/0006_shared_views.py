"""Views through which the SQL of other rooms reads organizations and memberships.

They ask for the rights of who reads through them, and PostgreSQL puts them into the reader's
statement, so they cost nothing. A change of their columns makes them anew.
"""

from django.db import migrations

MADE = """
CREATE VIEW shared_organization WITH (security_invoker = true) AS
SELECT id, name, status FROM organization;

CREATE VIEW shared_membership WITH (security_invoker = true) AS
SELECT organization_id, user_id, role, created_at, deactivated_at FROM membership;
"""

DROPPED = "DROP VIEW shared_organization; DROP VIEW shared_membership;"


class Migration(migrations.Migration):
    dependencies = [("organizations", "0005_inviters")]

    operations = [migrations.RunSQL(MADE, DROPPED)]
