"""The foreign keys that the migration before put back are checked on what there was already.

A check of its own lets others read and write; in one transaction with the new constraint, deliveries
would wait for it.
"""

from django.db import migrations

CHECKED = """
DO $$
DECLARE
    one text;
BEGIN
    FOR one IN
        SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', c.conrelid::regclass, c.conname)
        FROM pg_constraint AS c
        WHERE c.contype = 'f' AND NOT c.convalidated
          AND c.confrelid IN ('webhook_endpoint'::regclass, 'webhook_recovery'::regclass)
    LOOP
        EXECUTE one;
    END LOOP;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("webhooks", "0018_keys_of_organizations")]

    operations = [migrations.RunSQL(CHECKED, migrations.RunSQL.noop)]
