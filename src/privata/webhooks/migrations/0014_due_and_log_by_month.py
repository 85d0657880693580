"""What waits has a table of its own, and the log of deliveries lies in monthly partitions (0046).

A delivery that waits goes to `webhook_due`, one that is finished stays in `webhook_delivery`, with its
last request in its own row. There are no foreign keys: the statement that owes an event has the
endpoint and the event before it, neither is ever removed while something waits, and a partition that
has foreign keys locks what it refers to when it is dropped.

Ids of version 4 lie in no month: they are kept in the past or the future.
"""

from django.db import migrations

from privata.webhooks.migrations._due_and_log import STATE

MADE = """
ALTER TABLE webhook_delivery RENAME TO webhook_delivery_before;
CREATE TABLE webhook_due (
    organization_id uuid NOT NULL,
    id uuid DEFAULT new_id() NOT NULL,
    endpoint_id uuid NOT NULL,
    event_seq bigint NOT NULL,
    due_at timestamptz DEFAULT statement_timestamp() NOT NULL,
    created_at timestamptz DEFAULT statement_timestamp() NOT NULL,
    lease_token bigint DEFAULT 0 NOT NULL,
    leased_until timestamptz,
    first_attempt_at timestamptz,
    last_attempt_at timestamptz,
    last_duration_ms integer,
    last_status_code smallint,
    attempts smallint DEFAULT 0 NOT NULL,
    replay boolean DEFAULT false NOT NULL,
    environment varchar(4) NOT NULL,
    order_id varchar(40),
    recovery_id uuid,
    retry_of_id uuid,
    last_outcome varchar(16),
    CONSTRAINT webhook_due_key PRIMARY KEY (organization_id, environment, id),
    CONSTRAINT webhook_due_environment CHECK (environment IN ('live', 'test'))
) WITH (
    -- Room for the claim's version of a row beside the one that was published.
    fillfactor = 60,
    -- Rows live for milliseconds: what they leave behind is what a claim walks over.
    autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0.02
);
CREATE TABLE webhook_delivery (
    organization_id uuid NOT NULL,
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    event_seq bigint NOT NULL,
    created_at timestamptz NOT NULL,
    delivered_at timestamptz,
    last_attempt_at timestamptz,
    lease_token integer NOT NULL,
    last_duration_ms integer,
    last_status_code smallint,
    attempts smallint NOT NULL,
    replay boolean NOT NULL,
    response_truncated boolean DEFAULT false NOT NULL,
    environment varchar(4) NOT NULL,
    status varchar(16) NOT NULL,
    last_outcome varchar(16),
    secret_ids uuid[],
    url varchar(2048),
    address varchar(64),
    detail varchar(512),
    response_headers jsonb,
    response_excerpt text,
    recovery_id uuid,
    retry_of_id uuid,
    retried_as_id uuid,
    CONSTRAINT webhook_delivery_key PRIMARY KEY (organization_id, environment, id),
    CONSTRAINT webhook_delivery_environment CHECK (environment IN ('live', 'test')),
    CONSTRAINT webhook_delivery_status CHECK (status IN ('delivered', 'exhausted', 'retried')),
    CONSTRAINT webhook_delivery_delivered_at CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
    CONSTRAINT webhook_delivery_retried_as CHECK (status <> 'retried' OR retried_as_id IS NOT NULL),
    CONSTRAINT webhook_delivery_outcome CHECK (status <> 'delivered' OR last_outcome IS NULL),
    CONSTRAINT webhook_delivery_request CHECK (
        num_nulls(url, secret_ids, detail, response_excerpt) = 4
        OR num_nulls(url, secret_ids, detail, response_excerpt, last_attempt_at, last_duration_ms) = 0),
    CONSTRAINT webhook_delivery_bounded CHECK (
        octet_length(response_excerpt) <= 4096 AND octet_length(response_headers::text) <= 16384)
) PARTITION BY RANGE (id);
DO $$
DECLARE
    month date := date_trunc('month', now() AT TIME ZONE 'UTC');
BEGIN
    EXECUTE format(
        'CREATE TABLE webhook_delivery_past PARTITION OF webhook_delivery
         FOR VALUES FROM (MINVALUE) TO (%L)', id_floor(month::timestamp AT TIME ZONE 'UTC'));
    EXECUTE format(
        'CREATE TABLE webhook_delivery_future PARTITION OF webhook_delivery
         FOR VALUES FROM (%L) TO (MAXVALUE)', id_floor(month::timestamp AT TIME ZONE 'UTC'));
END
$$;
SELECT make_months('webhook_delivery', 3);
"""

MOVED = """
INSERT INTO webhook_due (
    organization_id, id, endpoint_id, event_seq, due_at, created_at, lease_token, leased_until,
    first_attempt_at, last_attempt_at, last_duration_ms, last_status_code, attempts, replay,
    environment, order_id, recovery_id, retry_of_id, last_outcome)
SELECT organization_id, id, endpoint_id, event_seq, due_at, created_at, lease_token,
       CASE WHEN in_flight THEN due_at END, first_attempt_at, last_attempt_at, last_duration_ms,
       last_status_code, attempts, replay, environment, order_id, recovery_id, retry_of_id,
       last_outcome
FROM webhook_delivery_before WHERE status = 'pending'
ORDER BY id;
-- One that was retried and whose retry is gone was about to be removed itself.
INSERT INTO webhook_delivery (
    organization_id, id, endpoint_id, event_seq, created_at, delivered_at, last_attempt_at,
    lease_token, last_duration_ms, last_status_code, attempts, replay, response_truncated,
    environment, status, last_outcome, secret_ids, url, address, detail, response_headers,
    response_excerpt, recovery_id, retry_of_id, retried_as_id)
SELECT d.organization_id, d.id, d.endpoint_id, d.event_seq, d.created_at, d.delivered_at,
       d.last_attempt_at, d.lease_token, d.last_duration_ms, d.last_status_code,
       d.attempts, d.replay, coalesce(last.response_truncated, false), d.environment, d.status,
       CASE WHEN d.status <> 'delivered' THEN d.last_outcome END, last.secret_ids, last.url, last.address, last.detail, last.response_headers,
       last.response_excerpt, d.recovery_id, d.retry_of_id, retry.id
FROM webhook_delivery_before AS d
LEFT JOIN webhook_delivery_before AS retry ON retry.retry_of_id = d.id
LEFT JOIN webhook_attempt AS last
  ON last.organization_id = d.organization_id AND last.delivery_id = d.id
     AND last.lease_token = d.lease_token AND NOT last.stale AND last.number = d.attempts
     AND last.signed_at = floor(extract(epoch FROM last.started_at))
     AND last.started_at = d.last_attempt_at AND last.outcome = d.last_outcome
     AND d.last_duration_ms IS NOT NULL AND d.status <> 'retried'
WHERE d.status <> 'pending' AND (d.status <> 'retried' OR retry.id IS NOT NULL)
ORDER BY d.id;
DELETE FROM webhook_attempt AS a USING webhook_delivery AS d
WHERE d.id = a.delivery_id AND d.organization_id = a.organization_id
  AND d.lease_token = a.lease_token AND d.url IS NOT NULL;
DROP TABLE webhook_delivery_before;
"""

# Ids grow, so they stand in ascending order: a page is full before the next one begins. Read
# backward, an index lists the newest first just as well.
INDEXED = """
CREATE UNIQUE INDEX webhook_due_recovered_once ON webhook_due (organization_id, recovery_id, event_seq)
    WHERE recovery_id IS NOT NULL;
CREATE UNIQUE INDEX webhook_due_retried_once ON webhook_due (organization_id, retry_of_id)
    WHERE retry_of_id IS NOT NULL;
CREATE INDEX webhook_due_first ON webhook_due (endpoint_id, due_at, event_seq) WHERE attempts = 0;
CREATE INDEX webhook_due_retry ON webhook_due (endpoint_id, due_at, event_seq) WHERE attempts > 0;
CREATE INDEX webhook_due_waiting ON webhook_due (organization_id, endpoint_id, event_seq);
CREATE INDEX webhook_due_ordering_key ON webhook_due (endpoint_id, order_id, event_seq)
    WHERE order_id IS NOT NULL;
CREATE INDEX webhook_due_replays ON webhook_due (endpoint_id, event_seq) WHERE replay;
CREATE INDEX webhook_delivery_log ON webhook_delivery (endpoint_id, id);
CREATE INDEX webhook_delivery_event ON webhook_delivery (event_seq);
CREATE INDEX webhook_delivery_missed ON webhook_delivery (endpoint_id, event_seq)
    WHERE NOT replay AND status = 'exhausted';
CREATE INDEX webhook_delivery_replays ON webhook_delivery (endpoint_id, event_seq) WHERE replay;
CREATE INDEX webhook_delivery_by_hand ON webhook_delivery (endpoint_id, created_at)
    WHERE replay AND recovery_id IS NULL;
CREATE INDEX webhook_delivery_recovery ON webhook_delivery (recovery_id, status)
    WHERE recovery_id IS NOT NULL;
CREATE INDEX webhook_delivery_failed ON webhook_delivery (organization_id, environment, id)
    WHERE status <> 'delivered';
CREATE VIEW webhook_every_delivery WITH (security_invoker = true) AS
SELECT id, organization_id, environment, endpoint_id, event_seq, replay, recovery_id, retry_of_id,
       NULL::uuid AS retried_as_id, 'pending'::varchar(16) AS status, attempts, due_at, lease_token,
       leased_until, last_attempt_at, last_outcome, last_status_code, last_duration_ms, created_at,
       NULL::timestamptz AS delivered_at
FROM webhook_due
UNION ALL
SELECT id, organization_id, environment, endpoint_id, event_seq, replay, recovery_id, retry_of_id,
       retried_as_id, status, attempts, NULL::timestamptz, lease_token::bigint, NULL::timestamptz,
       last_attempt_at,
       CASE WHEN status = 'delivered' THEN 'delivered'::varchar(16) ELSE last_outcome END,
       last_status_code, last_duration_ms, created_at, delivered_at
FROM webhook_delivery;
"""

BEFORE = """
DROP VIEW webhook_every_delivery;
ALTER TABLE webhook_delivery RENAME TO webhook_delivery_log_by_month;
CREATE TABLE webhook_delivery (
    id uuid DEFAULT new_id() NOT NULL,
    environment varchar(4) NOT NULL,
    order_id varchar(40),
    replay boolean DEFAULT false NOT NULL,
    status varchar(16) DEFAULT 'pending' NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    due_at timestamptz DEFAULT statement_timestamp() NOT NULL,
    lease_token bigint DEFAULT 0 NOT NULL,
    in_flight boolean DEFAULT false NOT NULL,
    first_attempt_at timestamptz,
    last_attempt_at timestamptz,
    last_outcome varchar(16),
    last_status_code smallint,
    last_duration_ms integer,
    created_at timestamptz DEFAULT statement_timestamp() NOT NULL,
    delivered_at timestamptz,
    event_seq bigint NOT NULL,
    organization_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    recovery_id uuid,
    retry_of_id uuid
);
INSERT INTO webhook_delivery
SELECT id, environment, order_id, replay, 'pending', attempts, coalesce(leased_until, due_at), lease_token,
       leased_until IS NOT NULL, first_attempt_at, last_attempt_at, last_outcome, last_status_code,
       last_duration_ms, created_at, NULL, event_seq, organization_id, endpoint_id, recovery_id,
       retry_of_id
FROM webhook_due;
INSERT INTO webhook_delivery
SELECT d.id, d.environment, e.order_id, d.replay, d.status, d.attempts, d.created_at, d.lease_token,
       false, d.last_attempt_at, d.last_attempt_at,
       CASE WHEN d.status = 'delivered' THEN 'delivered' ELSE d.last_outcome END, d.last_status_code,
       d.last_duration_ms, d.created_at, d.delivered_at, d.event_seq, d.organization_id,
       d.endpoint_id, d.recovery_id, d.retry_of_id
FROM webhook_delivery_log_by_month AS d
JOIN shared_event AS e ON e.organization_id = d.organization_id AND e.seq = d.event_seq;
INSERT INTO webhook_attempt (
    organization_id, delivery_id, lease_token, signed_at, started_at, duration_ms, number,
    status_code, response_truncated, secret_ids, outcome, url, address, detail, response_headers,
    response_excerpt)
SELECT organization_id, id, lease_token, floor(extract(epoch FROM last_attempt_at)), last_attempt_at,
       last_duration_ms, attempts, last_status_code, response_truncated, secret_ids,
       CASE WHEN status = 'delivered' THEN 'delivered' ELSE last_outcome END, url, address, detail,
       response_headers, response_excerpt
FROM webhook_delivery_log_by_month WHERE url IS NOT NULL;
-- What it is the retry of may have gone with its month.
UPDATE webhook_delivery AS d SET retry_of_id = NULL
WHERE retry_of_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM webhook_delivery AS old WHERE old.id = d.retry_of_id);
DROP TABLE webhook_due;
DROP TABLE webhook_delivery_log_by_month;
ALTER TABLE webhook_delivery
    ADD CONSTRAINT webhook_delivery_pkey PRIMARY KEY (id),
    ADD CONSTRAINT webhook_delivery_environment CHECK (environment IN ('live', 'test')),
    ADD CONSTRAINT webhook_delivery_status
        CHECK (status IN ('pending', 'delivered', 'exhausted', 'retried')),
    ADD CONSTRAINT webhook_delivery_delivered_at
        CHECK ((status = 'delivered') = (delivered_at IS NOT NULL)),
    ADD CONSTRAINT webhook_delivery_endpoint_id_b30f68a9_fk_webhook_endpoint_id
        FOREIGN KEY (endpoint_id) REFERENCES webhook_endpoint (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT webhook_delivery_organization_id_72ea4245_fk_organization_id
        FOREIGN KEY (organization_id) REFERENCES organization (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT webhook_delivery_recovery_id_a61baa4c_fk_webhook_recovery_id
        FOREIGN KEY (recovery_id) REFERENCES webhook_recovery (id) DEFERRABLE INITIALLY DEFERRED,
    ADD CONSTRAINT webhook_delivery_retry_of_id_a6227733_fk_webhook_delivery_id
        FOREIGN KEY (retry_of_id) REFERENCES webhook_delivery (id) DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX webhook_delivery_event_seq_c415fafb ON webhook_delivery (event_seq);
CREATE INDEX webhook_delivery_first ON webhook_delivery (endpoint_id, due_at, event_seq)
    WHERE attempts = 0 AND status = 'pending';
CREATE INDEX webhook_delivery_retry ON webhook_delivery (endpoint_id, due_at, event_seq)
    WHERE attempts > 0 AND status = 'pending';
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (endpoint_id, event_seq)
    WHERE status = 'pending';
CREATE INDEX webhook_delivery_ordering_key ON webhook_delivery (endpoint_id, order_id, event_seq)
    WHERE order_id IS NOT NULL AND status = 'pending';
CREATE INDEX webhook_delivery_recovery ON webhook_delivery (recovery_id, status)
    WHERE recovery_id IS NOT NULL;
CREATE INDEX webhook_delivery_missed ON webhook_delivery (endpoint_id, event_seq)
    WHERE NOT replay AND status = 'exhausted';
CREATE INDEX webhook_delivery_replays ON webhook_delivery (endpoint_id, event_seq) WHERE replay;
CREATE INDEX webhook_delivery_by_hand ON webhook_delivery (endpoint_id, created_at)
    WHERE recovery_id IS NULL AND replay;
CREATE INDEX webhook_delivery_retried
    ON webhook_delivery (organization_id, environment, created_at DESC, id DESC)
    WHERE status = 'retried';
CREATE INDEX webhook_delivery_log ON webhook_delivery (endpoint_id, created_at DESC, id DESC);
CREATE INDEX webhook_delivery_recent
    ON webhook_delivery (organization_id, environment, created_at DESC, id DESC);
CREATE UNIQUE INDEX webhook_delivery_once ON webhook_delivery (endpoint_id, event_seq)
    WHERE NOT replay AND status <> 'retried';
CREATE UNIQUE INDEX webhook_delivery_recovered_once ON webhook_delivery (recovery_id, event_seq)
    WHERE recovery_id IS NOT NULL AND status <> 'retried';
CREATE UNIQUE INDEX webhook_delivery_retried_once ON webhook_delivery (retry_of_id)
    WHERE retry_of_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0013_attempts_by_month"),
        ("events", "0010_removed_numbers"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(MADE + MOVED + INDEXED, BEFORE)],
            state_operations=STATE,
        ),
    ]
