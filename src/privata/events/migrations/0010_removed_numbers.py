"""What the feed says of events that were removed: up to which number they are gone.

Numbers are never given again, and the head stays. `forget_numbers` takes the numbers of an organization's
oldest events, a few at a time, and says so in the heads in the same transaction, under the lock that whoever
numbers takes: a reader finds either the event or that it is gone. It runs as the owner, since numbers are
append-only for the application, and only for what is older than a year.
"""

from django.db import migrations, models

MADE = """
CREATE FUNCTION forget_numbers(organization uuid, month date, most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET timezone = 'UTC'
AS $$
DECLARE
    ends timestamptz := month + interval '1 month';
    border bigint := public.number_floor(ends);
    done integer;
BEGIN
    IF ends > now() - interval '1 year' THEN
        RAISE EXCEPTION 'numbers are kept for a year at least: % is too recent', month
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    PERFORM FROM public.event_head WHERE organization_id = organization
        ORDER BY environment FOR NO KEY UPDATE;
    WITH taken AS (
        DELETE FROM public.event_position
        WHERE organization_id = organization AND event_seq = ANY (ARRAY(
            SELECT event_seq FROM public.event_position
            WHERE organization_id = organization AND event_seq < border
            ORDER BY event_seq LIMIT most))
        RETURNING environment, number
    ), upto AS (
        SELECT environment, max(number) AS number, count(*) AS many FROM taken GROUP BY environment
    ), noted AS (
        UPDATE public.event_head AS head SET gone = greatest(head.gone, upto.number)
        FROM upto
        WHERE head.organization_id = organization AND head.environment = upto.environment
    )
    SELECT coalesce(sum(many), 0) INTO done FROM upto;
    RETURN done;
END
$$;
REVOKE ALL ON FUNCTION forget_numbers(uuid, date, integer) FROM PUBLIC;
"""

#: What squawk names in it, and why that stops nobody.
SAFE_BECAUSE = {"constraint-missing-not-valid": "a feed has one row: they are checked in a moment"}


class Migration(migrations.Migration):
    dependencies = [("events", "0009_events_by_month")]

    operations = [
        migrations.AddField(
            model_name="eventhead",
            name="gone",
            field=models.BigIntegerField(
                db_default=0, help_text="the greatest number whose event was removed; 0: none"
            ),
        ),
        migrations.AddConstraint(
            model_name="eventhead",
            constraint=models.CheckConstraint(
                condition=models.Q(("gone__gte", 0), ("gone__lte", models.F("last"))),
                name="event_head_gone",
            ),
        ),
        migrations.RunSQL(MADE, "DROP FUNCTION forget_numbers(uuid, date, integer)"),
    ]
