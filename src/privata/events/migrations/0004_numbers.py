import django.db.models.deletion
from django.db import migrations, models

from privata.infra.fields import TransactionId

SAFE_BECAUSE = {
    "ban-drop-not-null": "the release before reads xid only in its feed, which passes over events"
    " without one; its cursors are refused by this release, so whoever read there begins again",
}

_ENVIRONMENTS = [("live", "live"), ("test", "test")]

# A process of the release before leaves no arrival. Its events are known by their transaction id,
# which is the column's default; this release writes null, so for its events the trigger is not
# called. It runs with its owner's rights: the application gets its own on the new tables after the
# last migration. The next release drops it, the column and its index.
_ARRIVES = """
CREATE FUNCTION event_arrives() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO public.event_arrival (organization_id, environment, event_seq, created_at)
    VALUES (NEW.organization_id, NEW.environment, NEW.seq, NEW.created_at)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION event_arrives() FROM PUBLIC;
CREATE TRIGGER event_arrives AFTER INSERT ON event
FOR EACH ROW WHEN (NEW.xid IS NOT NULL) EXECUTE FUNCTION event_arrives()
"""

# The release before has a place for every event only by its transaction.
_GONE = """
UPDATE event SET xid = pg_current_xact_id() WHERE xid IS NULL;
DROP TRIGGER event_arrives ON event;
DROP FUNCTION event_arrives()
"""


class Migration(migrations.Migration):
    """Places in the feed that are counted for each organization in each environment.

    Every event that is published after this one has an arrival; the next migration numbers those
    before.
    """

    dependencies = [
        ("events", "0003_shared_event"),
        ("organizations", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="EventHead",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
                ("environment", models.CharField(choices=_ENVIRONMENTS, max_length=4)),
                (
                    "last",
                    models.BigIntegerField(
                        db_default=0, help_text="the last number given; 0: none yet"
                    ),
                ),
            ],
            options={
                "db_table": "event_head",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("environment__in", ["live", "test"])),
                        name="event_head_environment",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("last__gte", 0)), name="event_head_last"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EventArrival",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        "event_seq",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("organization_id", models.UUIDField()),
                ("environment", models.CharField(choices=_ENVIRONMENTS, max_length=4)),
                ("event_seq", models.BigIntegerField()),
                ("created_at", models.DateTimeField(help_text="the event's")),
            ],
            options={"db_table": "event_arrival"},
        ),
        migrations.CreateModel(
            name="EventPosition",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "organization_id",
                        "environment",
                        "number",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("organization_id", models.UUIDField()),
                ("environment", models.CharField(choices=_ENVIRONMENTS, max_length=4)),
                ("number", models.BigIntegerField()),
                ("event_seq", models.BigIntegerField()),
                ("created_at", models.DateTimeField(help_text="the event's")),
            ],
            options={
                "db_table": "event_position",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("organization_id", "event_seq"), name="event_position_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("number__gt", 0)), name="event_position_number"
                    ),
                ],
            },
        ),
        migrations.AlterField(
            model_name="event",
            name="xid",
            field=TransactionId(
                db_default=models.Func(
                    function="pg_current_xact_id",
                    output_field=TransactionId(),
                ),
                help_text="null, but of a release before numbers, which knows its place by this",
                null=True,
            ),
        ),
        migrations.RunSQL(_ARRIVES, _GONE),
    ]
