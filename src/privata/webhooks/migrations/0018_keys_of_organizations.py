"""The organization and the environment are first in the keys of endpoints, secrets and recoveries.

Secrets get both from their endpoint. Secrets and recoveries refer to their endpoint by all three, so
that none can stand at the endpoint of another organization or of the other environment.

Foreign keys hang on the index of the key they refer to, so those to endpoints and recoveries are taken
off and put back, whatever they are called. What is there already is checked by the next migration,
which keeps nobody from writing.
"""

import django.db.models.deletion
from django.db import migrations, models

import privata.core.ids

# In one block, since the foreign keys between have no other place to be remembered in.
_WITHOUT_REFERENCES = """
DO $$
DECLARE
    taken text[];
    put_back text[];
    one text;
BEGIN
    SELECT coalesce(array_agg(format('ALTER TABLE %%s DROP CONSTRAINT %%I',
                                     c.conrelid::regclass, c.conname)), '{}'),
           coalesce(array_agg(format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s %%s', c.conrelid::regclass,
                                     c.conname, pg_get_constraintdef(c.oid), %(checked)s)), '{}')
    INTO taken, put_back
    FROM pg_constraint AS c JOIN pg_class AS t ON t.oid = c.conrelid
    WHERE c.contype = 'f' AND c.conparentid = 0
      AND c.confrelid IN ('webhook_endpoint'::regclass, 'webhook_recovery'::regclass);
    FOREACH one IN ARRAY taken LOOP EXECUTE one; END LOOP;
    %(keys)s
    FOREACH one IN ARRAY put_back LOOP EXECUTE one; END LOOP;
END
$$;
"""

_KEYS = """
    ALTER TABLE webhook_endpoint
        DROP CONSTRAINT webhook_endpoint_pkey,
        ADD CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (organization_id, environment, id);
    ALTER TABLE webhook_recovery
        DROP CONSTRAINT webhook_recovery_pkey,
        ADD CONSTRAINT webhook_recovery_pkey PRIMARY KEY (organization_id, environment, id);
"""

_KEYS_BEFORE = """
    ALTER TABLE webhook_endpoint
        DROP CONSTRAINT webhook_endpoint_pkey,
        ADD CONSTRAINT webhook_endpoint_pkey PRIMARY KEY (id);
    ALTER TABLE webhook_recovery
        DROP CONSTRAINT webhook_recovery_pkey,
        ADD CONSTRAINT webhook_recovery_pkey PRIMARY KEY (id);
"""

# PostgreSQL 17 and older check foreign keys of partitioned tables at once.
_LATER = "CASE WHEN t.relkind = 'r' AND c.convalidated THEN 'NOT VALID' ELSE '' END"

MADE = f"""
ALTER TABLE webhook_secret
    DROP CONSTRAINT webhook_secret_endpoint_id_ce649611_fk_webhook_endpoint_id;
ALTER TABLE webhook_recovery
    DROP CONSTRAINT webhook_recovery_endpoint_id_8ebe78c0_fk_webhook_endpoint_id;
{_WITHOUT_REFERENCES % {"checked": _LATER, "keys": _KEYS}}
ALTER TABLE webhook_secret ADD COLUMN organization_id uuid, ADD COLUMN environment varchar(4);
UPDATE webhook_secret AS s SET organization_id = e.organization_id, environment = e.environment
    FROM webhook_endpoint AS e WHERE e.id = s.endpoint_id;
DROP INDEX webhook_secret_endpoint_id_ce649611;
DROP INDEX webhook_secret_one_current;
ALTER TABLE webhook_secret
    ALTER COLUMN organization_id SET NOT NULL,
    ALTER COLUMN environment SET NOT NULL,
    DROP CONSTRAINT webhook_secret_pkey,
    ADD CONSTRAINT webhook_secret_pkey PRIMARY KEY (organization_id, environment, id),
    ADD CONSTRAINT webhook_secret_of_its_endpoint
        FOREIGN KEY (organization_id, environment, endpoint_id)
        REFERENCES webhook_endpoint (organization_id, environment, id)
        DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX webhook_secret_of_endpoint
    ON webhook_secret (organization_id, environment, endpoint_id);
CREATE UNIQUE INDEX webhook_secret_one_current
    ON webhook_secret (organization_id, environment, endpoint_id) WHERE expires_at IS NULL;

DROP INDEX webhook_recovery_endpoint_id_8ebe78c0;
DROP INDEX webhook_recovery_one_running;
ALTER TABLE webhook_recovery
    ADD CONSTRAINT webhook_recovery_of_its_endpoint
        FOREIGN KEY (organization_id, environment, endpoint_id)
        REFERENCES webhook_endpoint (organization_id, environment, id)
        DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX webhook_recovery_of_endpoint
    ON webhook_recovery (organization_id, environment, endpoint_id);
CREATE UNIQUE INDEX webhook_recovery_one_running
    ON webhook_recovery (organization_id, environment, endpoint_id) WHERE status = 'running';
"""  # noqa: S608  # put together out of the constants above

BEFORE = f"""
DROP INDEX webhook_recovery_of_endpoint;
DROP INDEX webhook_recovery_one_running;
DROP INDEX webhook_secret_of_endpoint;
DROP INDEX webhook_secret_one_current;
ALTER TABLE webhook_recovery DROP CONSTRAINT webhook_recovery_of_its_endpoint;
ALTER TABLE webhook_secret
    DROP CONSTRAINT webhook_secret_of_its_endpoint,
    DROP CONSTRAINT webhook_secret_pkey,
    DROP COLUMN organization_id,
    DROP COLUMN environment,
    ADD CONSTRAINT webhook_secret_pkey PRIMARY KEY (id);
{_WITHOUT_REFERENCES % {"checked": "''", "keys": _KEYS_BEFORE}}
ALTER TABLE webhook_secret
    ADD CONSTRAINT webhook_secret_endpoint_id_ce649611_fk_webhook_endpoint_id
        FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoint (id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE webhook_recovery
    ADD CONSTRAINT webhook_recovery_endpoint_id_8ebe78c0_fk_webhook_endpoint_id
        FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoint (id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX webhook_secret_endpoint_id_ce649611 ON webhook_secret (endpoint_id);
CREATE UNIQUE INDEX webhook_secret_one_current
    ON webhook_secret (endpoint_id) WHERE expires_at IS NULL;
CREATE INDEX webhook_recovery_endpoint_id_8ebe78c0 ON webhook_recovery (endpoint_id);
CREATE UNIQUE INDEX webhook_recovery_one_running
    ON webhook_recovery (endpoint_id) WHERE status = 'running';
"""

#: What squawk names in it, and why that stops nobody.
_FEW = "an organization has a few endpoints, each with a few secrets and recoveries: milliseconds"
_UNRELEASED = "nothing was released that makes secrets without their organization"
SAFE_BECAUSE = dict.fromkeys(
    (
        "adding-foreign-key-constraint",
        "adding-serial-primary-key-field",
        "constraint-missing-not-valid",
        "require-concurrent-index-creation",
        "require-concurrent-index-deletion",
    ),
    _FEW,
) | {"adding-not-nullable-field": _UNRELEASED, "ban-drop-constraint": _FEW}


def _of(to: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to=to,
    )


def _only_one(name: str, **condition: object) -> models.UniqueConstraint:
    return models.UniqueConstraint(
        condition=models.Q(**condition),
        fields=("organization", "environment", "endpoint"),
        name=name,
    )


def _by_endpoint(name: str) -> models.Index:
    return models.Index(fields=["organization", "environment", "endpoint"], name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0014_due_and_log_by_month"),
        ("organizations", "0006_shared_views"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MADE, BEFORE)],
            state_operations=[
                migrations.RemoveConstraint("endpointsecret", "webhook_secret_one_current"),
                migrations.RemoveConstraint("recovery", "webhook_recovery_one_running"),
                migrations.AddField(
                    "endpointsecret",
                    "environment",
                    models.CharField(
                        choices=[("live", "live"), ("test", "test")], default=None, max_length=4
                    ),
                    preserve_default=False,
                ),
                migrations.AddField(
                    "endpointsecret", "organization", _of("organizations.organization")
                ),
                migrations.AddField(
                    "endpointsecret",
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        "id",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                migrations.AlterField("endpointsecret", "endpoint", _of("webhooks.endpoint")),
                migrations.AlterField(
                    "endpointsecret", "id", models.UUIDField(default=privata.core.ids.new_id)
                ),
                migrations.AlterField("recovery", "endpoint", _of("webhooks.endpoint")),
                migrations.AddIndex("endpointsecret", _by_endpoint("webhook_secret_of_endpoint")),
                migrations.AddIndex("recovery", _by_endpoint("webhook_recovery_of_endpoint")),
                migrations.AddConstraint(
                    "endpointsecret",
                    _only_one("webhook_secret_one_current", expires_at__isnull=True),
                ),
                migrations.AddConstraint(
                    "recovery", _only_one("webhook_recovery_one_running", status="running")
                ),
            ],
        ),
    ]
