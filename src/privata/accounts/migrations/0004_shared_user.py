"""The view through which the SQL of other rooms reads people: never a password or a factor.

It asks for the rights of who reads through it, and PostgreSQL puts it into the reader's statement.
A change of its columns makes it anew.
"""

from django.db import migrations

MADE = """
CREATE VIEW shared_user WITH (security_invoker = true) AS
SELECT id, email, name, is_active, last_login FROM app_user;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_wrong_factors")]

    operations = [migrations.RunSQL(MADE, "DROP VIEW shared_user")]
