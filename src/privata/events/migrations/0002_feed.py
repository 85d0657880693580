import django.db.models.expressions
from django.db import migrations, models

import privata.events.models


class Migration(migrations.Migration):
    """The transaction of each event, and the index of the feed's order.

    Events that exist get the id of this migration: among them the order is that of `seq`.
    """

    dependencies = [("events", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="event",
            name="xid",
            field=privata.events.models.TransactionId(
                db_default=django.db.models.expressions.Func(
                    function="pg_current_xact_id",
                    output_field=privata.events.models.TransactionId(),
                ),
                help_text="the transaction that published it: the feed waits for older ones to end",
            ),
        ),
        migrations.RemoveIndex(model_name="event", name="event_feed"),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                fields=["organization", "environment", "xid", "seq"], name="event_in_order"
            ),
        ),
    ]
