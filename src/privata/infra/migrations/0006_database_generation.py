import django.db.models.functions.datetime
from django.db import migrations, models

# Which server and database this is, and on which timeline its writes go.
#
# The functions below are open to every role in PostgreSQL. Where somebody has closed one (managed
# services do), or where it does not work, that part is not known and is never compared. It runs
# with its owner's rights, so that the owner's are enough. The timeline is that of the log that is
# being written; on a standby there is none.
_IDENTITY = """
CREATE FUNCTION database_identity(
    OUT system_identifier text, OUT timeline integer, OUT database_oid bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    SELECT d.oid INTO database_oid FROM pg_database AS d WHERE d.datname = current_database();
    BEGIN
        SELECT s.system_identifier INTO system_identifier FROM pg_control_system() AS s;
    EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported THEN
        system_identifier := NULL;
    END;
    IF NOT pg_is_in_recovery() THEN
        BEGIN
            timeline := ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer;
        EXCEPTION WHEN insufficient_privilege OR undefined_function OR feature_not_supported
                       OR object_not_in_prerequisite_state THEN
            timeline := NULL;
        END;
    END IF;
END
$$;
COMMENT ON FUNCTION database_identity() IS 'which server, timeline and database this is';
REVOKE ALL ON FUNCTION database_identity() FROM PUBLIC
"""


class Migration(migrations.Migration):
    """Where the database has been, and who confirmed that nothing is missing there."""

    dependencies = [("infra", "0005_rate_bucket_environments")]

    operations = [
        migrations.CreateModel(
            name="DatabaseGeneration",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "generation",
                    models.IntegerField(
                        help_text="grows with every server that it finds itself on"
                    ),
                ),
                ("mark", models.CharField(help_text="drawn for it; in the cursors", max_length=8)),
                ("system_identifier", models.CharField(max_length=20, null=True)),
                ("timeline", models.IntegerField(null=True)),
                ("database_oid", models.BigIntegerField(null=True)),
                ("confirmed_by", models.CharField(max_length=254, null=True)),
                (
                    "at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "db_table": "database_generation",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("generation__gt", 0)),
                        name="database_generation_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("mark__regex", "^[0-9a-f]{8}$")),
                        name="database_generation_mark",
                    ),
                ],
            },
        ),
        migrations.RunSQL(_IDENTITY, "DROP FUNCTION database_identity()"),
    ]
