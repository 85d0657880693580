"""Tables in monthly partitions along their ids in time order (decision 0044).

A table `t` lies in the partitions `t_past`, one for each month (`t_2026_11`), and `t_future`, which
together cover every id. So no insert is ever refused: an id from before the oldest month goes to the
past, one from beyond the last month to the future. A default partition would do the same, but each
new month would have to be compared with all that lies in it.

- `id_floor` is the lowest id of a moment: the borders of months are such ids.
- `make_months` cuts months off the future, with what lies there already.
- `drop_month` removes the oldest month and moves the past's border up to its end, at once: in
  between an old id would have nowhere to go, which is why it does not detach concurrently.

Both wait a second for the table at most, for whoever comes after them waits as well. They run as the
owner of the tables, and only for a table that has a past and a future.
"""

from django.db import migrations

MADE = """
CREATE FUNCTION id_floor(at timestamptz) RETURNS uuid
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;

CREATE FUNCTION months_of(parent text) RETURNS SETOF date LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT to_date(right(part.relname, 7), 'YYYY_MM')
    FROM pg_inherits
    JOIN pg_class AS part ON part.oid = inhrelid
    JOIN pg_class AS whole ON whole.oid = inhparent
    WHERE whole.relname = parent AND whole.relnamespace = 'public'::regnamespace
      AND part.relname ~ '_[0-9]{4}_[0-9]{2}$'
    ORDER BY 1
$$;

CREATE FUNCTION make_months(parent text, ahead integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
AS $$
DECLARE
    future text := parent || '_future';
    month date;
    last date := (date_trunc('month', now()) + make_interval(months => ahead))::date;
    made integer := 0;
    key text;
    ends uuid;
BEGIN
    -- Several workers at once: one makes them, the others find them made.
    PERFORM pg_advisory_xact_lock(hashtextextended('privata months of ' || parent, 0));
    SELECT (max(one) + interval '1 month')::date INTO month FROM public.months_of(parent) AS one;
    month := coalesce(month, date_trunc('month', now())::date);
    IF month > last THEN
        RETURN 0;
    END IF;
    SELECT a.attname INTO STRICT key
    FROM pg_partitioned_table AS p
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = format('public.%I', parent)::regclass;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, future);
    WHILE month <= last LOOP
        ends := public.id_floor(month + interval '1 month');
        EXECUTE format(
            'CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
            parent || to_char(month, '_YYYY_MM'), parent, public.id_floor(month), ends);
        EXECUTE format(
            'WITH moved AS (DELETE FROM public.%I WHERE %I < %L RETURNING *)
             INSERT INTO public.%I SELECT * FROM moved', future, key, ends, parent);
        month := (month + interval '1 month')::date;
        made := made + 1;
    END LOOP;
    EXECUTE format(
        'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (MAXVALUE)',
        parent, future, ends);
    RETURN made;
END
$$;

CREATE FUNCTION drop_month(parent text, month date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
AS $$
DECLARE
    past text := parent || '_past';
    name text := parent || to_char(month, '_YYYY_MM');
    ends timestamptz := month + interval '1 month';
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('privata months of ' || parent, 0));
    IF month IS DISTINCT FROM (SELECT min(one) FROM public.months_of(parent) AS one) THEN
        RETURN false;
    END IF;
    IF ends > now() - interval '30 days' THEN
        RAISE EXCEPTION 'a month is kept for 30 days at least: % is too recent', month
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, past);
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, name);
    EXECUTE format('DROP TABLE public.%I', name);
    EXECUTE format(
        'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (MINVALUE) TO (%L)',
        parent, past, public.id_floor(ends));
    RETURN true;
END
$$;

REVOKE ALL ON FUNCTION make_months(text, integer), drop_month(text, date) FROM PUBLIC;
"""

GONE = """
DROP FUNCTION drop_month(text, date);
DROP FUNCTION make_months(text, integer);
DROP FUNCTION months_of(text);
DROP FUNCTION id_floor(timestamptz);
"""


class Migration(migrations.Migration):
    dependencies = [("infra", "0009_ids_in_time_order")]

    operations = [migrations.RunSQL(MADE, GONE)]
