from django.db import migrations

# What an open snapshot may still see, no vacuum removes. Its age is the number of transactions that
# began since the oldest one which it may not know the end of.
#
# Counted are snapshots of this database, transactions that write in any database (the snapshots
# that begin here meanwhile reach back to them), prepared transactions, and what a standby or a slot
# asks to be kept. VACUUM and autovacuum are left out: PostgreSQL does not wait for them either.
#
# Others' sessions are seen by members of pg_read_all_stats alone. The function runs with its
# owner's rights, so that the application needs none of its own and never sees others' statements.
CREATE = """
CREATE FUNCTION old_snapshots()
RETURNS TABLE (kind text, name text, pid int, "user" text, database text,
               seconds float8, transactions int, complete boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH holder AS (
        SELECT CASE WHEN a.backend_type = 'walsender' THEN 'standby' ELSE 'transaction' END AS kind,
               a.application_name AS name, a.pid, a.usename::text AS "user",
               a.datname::text AS database,
               extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS seconds,
               greatest(age(a.backend_xmin), age(a.backend_xid)) AS transactions
        FROM pg_stat_activity AS a
        WHERE a.pid <> pg_backend_pid() AND a.backend_type <> 'autovacuum worker'
          AND (a.backend_xid IS NOT NULL
               OR a.backend_xmin IS NOT NULL
                  AND (a.datname IS NULL OR a.datname = current_database()))
          AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum AS v WHERE v.pid = a.pid)
        UNION ALL
        SELECT 'prepared transaction', p.gid, NULL, p.owner::text, p.database::text,
               extract(epoch FROM clock_timestamp() - p.prepared)::float8, age(p.transaction)
        FROM pg_prepared_xacts AS p
        UNION ALL
        SELECT 'replication slot', s.slot_name::text, s.active_pid, NULL, s.database::text, NULL,
               age(s.xmin)
        FROM pg_replication_slots AS s WHERE s.xmin IS NOT NULL
    )
    SELECT holder.*, pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
    FROM (SELECT 1) AS always LEFT JOIN holder ON true
    ORDER BY holder.transactions DESC NULLS LAST, holder.seconds DESC NULLS LAST
    LIMIT 20
$$;
COMMENT ON FUNCTION old_snapshots() IS 'who keeps dead rows from being vacuumed, oldest first';
REVOKE ALL ON FUNCTION old_snapshots() FROM PUBLIC
"""


class Migration(migrations.Migration):
    """Who holds the oldest snapshot of the cluster, told to the application's role."""

    dependencies = [("infra", "0003_rate_bucket_groups")]

    operations = [migrations.RunSQL(CREATE, "DROP FUNCTION old_snapshots()")]
