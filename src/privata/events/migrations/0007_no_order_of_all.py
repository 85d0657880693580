from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations


class Migration(migrations.Migration):
    """New events are in no index by transaction any more: it is the one before this for the rest."""

    atomic = False

    dependencies = [("events", "0006_old_order")]

    operations = [RemoveIndexConcurrently(model_name="event", name="event_in_order")]
