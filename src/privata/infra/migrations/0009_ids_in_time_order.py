"""Ids that the database makes are in time order, like those of `core.ids.new_id` (RFC 9562, UUIDv7).

PostgreSQL has a function of its own from version 18 on. One expression for all versions is what a
dump can take from one to another. A random UUID has the variant already; its version, 4, becomes 7
by two bits. As a single expression, PostgreSQL puts it into the statement that asks.
"""

from django.db import migrations

MADE = """
CREATE FUNCTION new_id() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid()) PLACING substring(
            int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3) FROM 1),
        52, 1), 53, 1), 'hex')::uuid
$$
"""


class Migration(migrations.Migration):
    dependencies = [("infra", "0008_process_clock_skew")]

    operations = [migrations.RunSQL(MADE, "DROP FUNCTION new_id()")]
