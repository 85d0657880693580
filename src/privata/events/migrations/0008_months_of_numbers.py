"""Months also of tables that are cut along a number or an order's id (decision 0047).

`month_floor` is the first value of a month in the key of a table: a UUID (`id_floor`), an order's id, or
a number (`number_floor`), whose upper bits count the months since 2000. 40 bits are below them. A table
that is cut along a number takes it from a sequence; `make_months` moves that to the month's first number
as soon as it is asked in a new month, and never back. Until then numbers go on in the month before, so
nothing is refused, and the order of numbers never depends on a clock.

A month of events or of timelines is kept for a year at least, whoever asks, and one of events only
goes when nothing younger lies in it, as it would after a year in which no worker ran. Keys of events
lie in the month of what they are about, so one that has a younger event moves to the past and goes
after its event.

The way back leaves the functions: they do all that those before did.
"""

from django.db import migrations

MADE = """
CREATE OR REPLACE FUNCTION number_floor(at timestamptz) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT ((extract(year FROM at AT TIME ZONE 'UTC')::bigint - 2000) * 12
            + extract(month FROM at AT TIME ZONE 'UTC')::bigint - 1) << 40
$$;

CREATE OR REPLACE FUNCTION month_floor(parent text, at timestamptz) RETURNS text LANGUAGE sql STABLE
    SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE format_type(a.atttypid, NULL)
               WHEN 'uuid' THEN public.id_floor(at)::text
               WHEN 'bigint' THEN public.number_floor(at)::text
               WHEN 'character varying' THEN 'prv-' || public.id_floor(at)
           END
    FROM pg_partitioned_table AS p
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = format('public.%I', parent)::regclass
$$;

CREATE OR REPLACE FUNCTION make_months(parent text, ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
AS $$
DECLARE
    future text := parent || '_future';
    month date;
    last date := (date_trunc('month', now()) + make_interval(months => ahead))::date;
    made integer := 0;
    key text;
    ends text;
    numbers text;
    drawn bigint;
BEGIN
    -- Several workers at once: one makes them, the others find them made.
    PERFORM pg_advisory_xact_lock(hashtextextended('privata months of ' || parent, 0));
    SELECT a.attname INTO STRICT key
    FROM pg_partitioned_table AS p
    JOIN pg_attribute AS a ON a.attrelid = p.partrelid AND a.attnum = p.partattrs[0]
    WHERE p.partrelid = format('public.%I', parent)::regclass;
    numbers := pg_get_serial_sequence(format('public.%I', parent), key);
    IF numbers IS NOT NULL THEN
        -- Who draws one meanwhile gets one of the month before: it is smaller than all that follow.
        EXECUTE 'SELECT last_value FROM ' || numbers INTO drawn;
        IF drawn < public.number_floor(date_trunc('month', now())) THEN
            PERFORM setval(numbers, public.number_floor(date_trunc('month', now())));
        END IF;
    END IF;
    SELECT (max(one) + interval '1 month')::date INTO month FROM public.months_of(parent) AS one;
    month := coalesce(month, date_trunc('month', now())::date);
    IF month > last THEN
        RETURN 0;
    END IF;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, future);
    WHILE month <= last LOOP
        ends := public.month_floor(parent, month + interval '1 month');
        EXECUTE format(
            'CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
            parent || to_char(month, '_YYYY_MM'), parent, public.month_floor(parent, month), ends);
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

CREATE OR REPLACE FUNCTION drop_month(parent text, month date) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' SET lock_timeout = '1s'
AS $$
DECLARE
    past text := parent || '_past';
    name text := parent || to_char(month, '_YYYY_MM');
    ends timestamptz := month + interval '1 month';
    kept interval := '30 days';
    border bigint := public.number_floor(
        (SELECT min(one) FROM public.months_of('event') AS one) AT TIME ZONE 'UTC');
    young boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('privata months of ' || parent, 0));
    IF month IS DISTINCT FROM (SELECT min(one) FROM public.months_of(parent) AS one) THEN
        RETURN false;
    END IF;
    IF parent IN ('event', 'event_key', 'order_timeline') THEN
        kept := '1 year';
    END IF;
    IF ends > now() - kept THEN
        RAISE EXCEPTION 'a month is kept for % at least: % is too recent', kept, month
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF parent = 'event' THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM public.%I WHERE created_at > $1)', name)
            INTO young USING now() - kept;
        IF young THEN
            RAISE EXCEPTION 'events that are younger than % lie in %', kept, month
                USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF parent = 'event_key' THEN
        -- Nobody adds a key to this month until it has gone; others are not held up.
        EXECUTE format('LOCK TABLE public.%I IN SHARE MODE', name);
        EXECUTE format(
            'CREATE TEMP TABLE late ON COMMIT DROP AS SELECT * FROM public.%I WHERE seq >= %L',
            name, border);
        DELETE FROM public.event_key_past WHERE seq < border;
        DELETE FROM public.event_key_future WHERE seq < border;
    END IF;
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, past);
    EXECUTE format('ALTER TABLE public.%I DETACH PARTITION public.%I', parent, name);
    EXECUTE format('DROP TABLE public.%I', name);
    EXECUTE format(
        'ALTER TABLE public.%I ATTACH PARTITION public.%I FOR VALUES FROM (MINVALUE) TO (%L)',
        parent, past, public.month_floor(parent, ends));
    IF parent = 'event_key' THEN
        INSERT INTO public.event_key SELECT * FROM pg_temp.late;
    END IF;
    RETURN true;
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("events", "0007_no_order_of_all"), ("infra", "0010_months")]

    operations = [migrations.RunSQL(MADE, migrations.RunSQL.noop)]
