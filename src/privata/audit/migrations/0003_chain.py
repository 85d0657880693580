"""Each entry carries a hash over itself and its predecessor; entries live in monthly partitions.

The table is made anew as a partitioned one, existing entries are moved and chained in their order.
What the database does by itself from now on:

- `audit_entry_seal` (before each insert) locks the chain's head, numbers the entry, gives it its
  hash, and moves the head. It runs as the owner of the tables, so that the application's role
  needs no right on the head and none on the columns it fills.
- `audit_refuse` refuses UPDATE, DELETE and TRUNCATE for every role, on each partition as well.
- `audit_make_partitions` makes the months to come; the application may call it, it takes nothing.
- `audit_detach_partition` takes a month out that is older than two years and was exported; only
  the retention's role may call it (privata.desk.grants).

Every function has a fixed search path and names its tables in full: a temporary table of the
caller cannot take their place.
"""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

FUNCTIONS = """
CREATE FUNCTION audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN value IS NULL THEN '~,'
                ELSE octet_length(convert_to(value, 'UTF8')) || ':' || value || ',' END
$$;

-- The canonical bytes of an entry, as docs/audit.md describes them.
CREATE FUNCTION audit_entry_hash(
    chain uuid, seq bigint, previous_hash bytea, at timestamptz, environment text,
    actor_kind text, actor_id text, actor_label text, action text, target text, ip inet,
    user_agent text, session text, changes jsonb
) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $$
    SELECT sha256(convert_to(concat(
        'privata-audit-1', chr(10),
        public.audit_field(chain::text),
        public.audit_field(seq::text),
        public.audit_field(encode(previous_hash, 'hex')),
        public.audit_field(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
        public.audit_field(environment),
        public.audit_field(actor_kind),
        public.audit_field(actor_id),
        public.audit_field(actor_label),
        public.audit_field(action),
        public.audit_field(target),
        public.audit_field(host(ip)),
        public.audit_field(user_agent),
        public.audit_field(session),
        public.audit_field(changes::text)
    ), 'UTF8'))
$$;

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'audit entries are append-only: % refused', TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE FUNCTION audit_entry_seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    its_chain uuid := coalesce(NEW.organization_id, '00000000-0000-0000-0000-000000000000');
BEGIN
    -- The partition was chosen by this value before we are asked, so it is checked, not set.
    IF NEW.at IS DISTINCT FROM now() THEN
        RAISE EXCEPTION 'audit entries carry the time of their transaction'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    -- Two at once for one chain: the second waits here for the first to commit or to roll back,
    -- and then follows the head as it is. The head moves with the entry or not at all.
    INSERT INTO public.audit_head AS head (chain, seq, hash)
        VALUES (its_chain, 1, decode(repeat('00', 32), 'hex'))
        ON CONFLICT ON CONSTRAINT audit_head_pkey DO UPDATE SET seq = head.seq + 1
        RETURNING head.seq, head.hash INTO NEW.seq, NEW.previous_hash;
    NEW.id := nextval('public.audit_entry_id');
    NEW.hash := public.audit_entry_hash(
        its_chain, NEW.seq, NEW.previous_hash, NEW.at, NEW.environment, NEW.actor_kind, NEW.actor_id,
        NEW.actor_label, NEW.action, NEW.target, NEW.ip, NEW.user_agent, NEW.session, NEW.changes);
    UPDATE public.audit_head AS head SET hash = NEW.hash WHERE head.chain = its_chain;
    RETURN NEW;
END
$$;

CREATE FUNCTION audit_make_partition(month date) RETURNS boolean LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    name text := 'audit_entry_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made apart and then attached, which does not hold up those who write meanwhile.
    EXECUTE format(
        'CREATE TABLE public.%I (LIKE public.audit_entry INCLUDING DEFAULTS INCLUDING CONSTRAINTS)',
        name);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC', name);
    EXECUTE format(
        'ALTER TABLE public.audit_entry ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
        name, first::timestamptz, (first + interval '1 month')::timestamptz);
    -- Row triggers come from the parent; one for TRUNCATE has to be made for each.
    EXECUTE format(
        'CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON public.%I
         FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse()', name);
    RETURN true;
END
$$;

CREATE FUNCTION audit_make_partitions() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    made integer := 0;
BEGIN
    -- Several workers start at the same time: one makes the tables, the others find them made.
    PERFORM pg_advisory_xact_lock(hashtextextended('privata audit partitions', 0));
    FOR ahead IN 0..12 LOOP
        IF public.audit_make_partition((date_trunc('month', now()) + make_interval(months => ahead))::date) THEN
            made := made + 1;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

CREATE FUNCTION audit_detach_partition(
    month date, exported bigint, file text, digest bytea, remove boolean
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '10s'
AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    name text := 'audit_entry_' || to_char(first, 'YYYY_MM');
    kept bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('privata audit partitions', 0));
    IF first + interval '1 month' > now() - interval '2 years' THEN
        RAISE EXCEPTION 'audit entries are kept for two years: % is too recent', first
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('SELECT count(*) FROM public.%I', name) INTO kept;
    IF kept <> exported THEN
        RAISE EXCEPTION 'the export of % has % entries, the log has %', first, exported, kept
            USING ERRCODE = 'data_exception';
    END IF;
    INSERT INTO public.audit_archive (month, entries, file, digest)
        VALUES (first, kept, audit_detach_partition.file, audit_detach_partition.digest);
    EXECUTE format($sql$
        WITH placed AS (
            SELECT coalesce(organization_id, '00000000-0000-0000-0000-000000000000') AS chain, seq,
                   previous_hash, hash,
                   seq - row_number() OVER (PARTITION BY organization_id ORDER BY seq) AS run
            FROM public.%I
        ), runs AS (
            SELECT chain, run, min(seq) AS first_seq, max(seq) AS last_seq
            FROM placed GROUP BY chain, run
        )
        INSERT INTO public.audit_archived_run
            (month, chain, first_seq, last_seq, previous_hash, hash)
        SELECT %L, runs.chain, first_seq, last_seq, a.previous_hash, z.hash
        FROM runs
        JOIN placed AS a ON a.chain = runs.chain AND a.seq = first_seq
        JOIN placed AS z ON z.chain = runs.chain AND z.seq = last_seq
    $sql$, name, first);
    EXECUTE format('ALTER TABLE public.audit_entry DETACH PARTITION public.%I', name);
    IF remove THEN
        EXECUTE format('DROP TABLE public.%I', name);
    END IF;
END
$$;

REVOKE ALL ON FUNCTION audit_refuse(), audit_entry_seal(), audit_make_partition(date),
    audit_make_partitions(), audit_detach_partition(date, bigint, text, bytea, boolean) FROM PUBLIC;
"""

MOVE = """
DROP TRIGGER audit_entry_no_truncate ON audit_entry;
DROP TRIGGER audit_entry_no_change ON audit_entry;
DROP FUNCTION audit_entry_refuse();
ALTER TABLE audit_entry RENAME TO audit_entry_before;
ALTER INDEX audit_entry_recent RENAME TO audit_entry_before_recent;
ALTER TABLE audit_entry_before RENAME CONSTRAINT audit_entry_pkey TO audit_entry_before_pkey;

CREATE SEQUENCE audit_entry_id AS bigint;
CREATE TABLE audit_entry (
    id bigint NOT NULL,
    organization_id uuid,
    environment varchar(4),
    at timestamptz NOT NULL DEFAULT now(),
    actor_kind varchar(16) NOT NULL,
    actor_id varchar(64) NOT NULL,
    actor_label varchar(254) NOT NULL,
    action varchar(64) NOT NULL,
    target varchar(128) NOT NULL,
    ip inet,
    user_agent varchar(256) NOT NULL DEFAULT '',
    session varchar(8) NOT NULL DEFAULT '',
    changes jsonb,
    seq bigint NOT NULL,
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    CONSTRAINT audit_entry_pkey PRIMARY KEY (id, at),
    CONSTRAINT audit_entry_hashes CHECK (
        octet_length(hash) = 32 AND octet_length(previous_hash) = 32 AND seq > 0)
) PARTITION BY RANGE (at);
CREATE INDEX audit_entry_recent ON audit_entry (organization_id, id DESC);
CREATE INDEX audit_entry_chain ON audit_entry (organization_id, seq);
ALTER TABLE audit_head SET (fillfactor = 50);

SELECT audit_make_partition(month::date)
FROM generate_series(
    (SELECT date_trunc('month', least(min(at), now())) FROM audit_entry_before),
    date_trunc('month', now()), interval '1 month') AS month;
SELECT audit_make_partitions();

DO $$
DECLARE
    old audit_entry_before;
    place bigint;
    last_hash bytea;
    next_hash bytea;
    its_chain uuid;
BEGIN
    FOR old IN SELECT * FROM audit_entry_before ORDER BY id LOOP
        its_chain := coalesce(old.organization_id, '00000000-0000-0000-0000-000000000000');
        SELECT seq, hash INTO place, last_hash FROM audit_head WHERE chain = its_chain;
        place := coalesce(place, 0) + 1;
        last_hash := coalesce(last_hash, decode(repeat('00', 32), 'hex'));
        next_hash := audit_entry_hash(
            its_chain, place, last_hash, old.at, old.environment, old.actor_kind, old.actor_id,
            old.actor_label, old.action, old.target, old.ip, old.user_agent, old.session,
            old.changes);
        INSERT INTO audit_entry (id, organization_id, environment, at, actor_kind, actor_id,
                                 actor_label, action, target, ip, user_agent, session, changes,
                                 seq, previous_hash, hash)
        VALUES (old.id, old.organization_id, old.environment, old.at, old.actor_kind, old.actor_id,
                old.actor_label, old.action, old.target, old.ip, old.user_agent, old.session,
                old.changes, place, last_hash, next_hash);
        INSERT INTO audit_head (chain, seq, hash) VALUES (its_chain, place, next_hash)
            ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
    END LOOP;
END
$$;
SELECT setval('audit_entry_id', coalesce(max(id), 0) + 1, false) FROM audit_entry;
DROP TABLE audit_entry_before;

CREATE TRIGGER audit_entry_seal BEFORE INSERT ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_seal();
CREATE TRIGGER audit_entry_no_change BEFORE UPDATE OR DELETE ON audit_entry
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_entry_no_truncate BEFORE TRUNCATE ON audit_entry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoint_no_change BEFORE UPDATE OR DELETE ON audit_checkpoint
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_checkpoint_no_truncate BEFORE TRUNCATE ON audit_checkpoint
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_archived_run_no_change BEFORE UPDATE OR DELETE ON audit_archived_run
    FOR EACH ROW EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_head_no_truncate BEFORE TRUNCATE ON audit_head
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [
        migrations.CreateModel(
            name="AuditHead",
            fields=[
                (
                    "chain",
                    models.UUIDField(
                        help_text="the organization; zeros: the platform",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("seq", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
            ],
            options={"db_table": "audit_head"},
        ),
        migrations.CreateModel(
            name="AuditCheckpoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("chain", models.UUIDField()),
                ("seq", models.BigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                (
                    "seal",
                    models.BinaryField(
                        help_text="HMAC-SHA256 over chain, seq and hash", max_length=32
                    ),
                ),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "db_table": "audit_checkpoint",
                "constraints": [
                    models.UniqueConstraint(fields=("chain", "seq"), name="audit_checkpoint_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="AuditArchive",
            fields=[
                ("month", models.DateField(primary_key=True, serialize=False)),
                ("entries", models.BigIntegerField()),
                ("file", models.CharField(max_length=255)),
                ("digest", models.BinaryField(help_text="SHA-256 of the file", max_length=32)),
                (
                    "archived_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={"db_table": "audit_archive"},
        ),
        migrations.CreateModel(
            name="AuditArchivedRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("chain", models.UUIDField()),
                ("first_seq", models.BigIntegerField()),
                ("last_seq", models.BigIntegerField()),
                (
                    "previous_hash",
                    models.BinaryField(help_text="of the first entry", max_length=32),
                ),
                ("hash", models.BinaryField(help_text="of the last entry", max_length=32)),
                (
                    "archive",
                    models.ForeignKey(
                        db_column="month",
                        on_delete=django.db.models.deletion.PROTECT,
                        to="audit.auditarchive",
                    ),
                ),
            ],
            options={
                "db_table": "audit_archived_run",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("chain", "first_seq"), name="audit_archived_run_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last_seq__gte", models.F("first_seq"))),
                        name="audit_archived_run_forward",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FUNCTIONS, elidable=False),
        migrations.RunSQL(
            MOVE,
            state_operations=[
                migrations.AddField(
                    "auditentry",
                    "seq",
                    models.BigIntegerField(help_text="place in the organization's chain, from 1"),
                ),
                migrations.AddField(
                    "auditentry", "previous_hash", models.BinaryField(max_length=32)
                ),
                migrations.AddField("auditentry", "hash", models.BinaryField(max_length=32)),
                migrations.AddIndex(
                    "auditentry",
                    models.Index(fields=["organization_id", "seq"], name="audit_entry_chain"),
                ),
            ],
        ),
    ]
