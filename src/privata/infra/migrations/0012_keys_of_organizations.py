"""What an `Idempotency-Key` answered is found by organization, environment and key alone.

The number that was its key stays as a column that nothing reads: the release before gives a claim back
by it. It goes one release later.
"""

from django.db import migrations, models

MADE = """
ALTER TABLE idempotency_key
    DROP CONSTRAINT idempotency_key_pkey,
    DROP CONSTRAINT idempotency_key_once,
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY USING INDEX idempotency_key_of_organization;
"""

BEFORE = """
ALTER TABLE idempotency_key
    DROP CONSTRAINT idempotency_key_pkey,
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (id),
    ADD CONSTRAINT idempotency_key_once UNIQUE (organization_id, environment, key);
"""

#: What squawk names in it, and why that stops nobody.
SAFE_BECAUSE = {"ban-drop-constraint": "the new key is the same as the constraint that goes"}


class Migration(migrations.Migration):
    dependencies = [("infra", "0011_idempotency_key_by_organization")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MADE, BEFORE)],
            state_operations=[
                migrations.RemoveConstraint("idempotencykey", "idempotency_key_once"),
                migrations.RemoveField("idempotencykey", "id"),
                migrations.AddField(
                    "idempotencykey",
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        "key",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        ),
    ]
