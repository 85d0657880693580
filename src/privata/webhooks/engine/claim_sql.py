"""The statement that claims, and the one that asks when to claim next.

**Fairness.** Live goes before test. In each, every organization is asked in turn, those with the
fewest sends under way first, and gives at most what is left of its share (`shares`); within it
every endpoint, again those with the fewest first, then the quick ones, and gives at most what its
cap leaves. The outer LIMIT ends the walk. So a backlog, however long and behind however many
endpoints, costs the other organizations nothing but the share. First attempts go before retries of
the same endpoint, and only `$6` retries are taken in all: the other slots are for first attempts.
The ops channel is walked apart, with slots of its own.

**Ordering.** A first attempt is eligible when no earlier event of the same order still waits for
its own first attempt at the same endpoint. Two claims at the same moment cannot take two events of
one ordering key: the condition is judged on a snapshot, and in every snapshot only one event of an
ordering key has no earlier one with attempts = 0. Being claimed does not change that, for attempts
rises only when the head is recorded. So a second claim either sees the head unrecorded, and then
the follower is no head for it, or recorded, and then the first receipt has been. Events of an order
are published under the order's row lock, so none appears in front of another later. With strict
ordering the head is the first event that is not finished, retries wait for it too, and the same
holds without attempts = 0.

The head is looked up as the first of an ordering, not by NOT EXISTS, because only the index of
the ordering keys has that ordering: without statistics the planner else walks the whole backlog.

**Resuming.** These endpoints are locked, so that claims take turns at them; one that is locked is
left to the other claim. Its row is read in its newest version, while the deliveries are seen as
they were when the statement began. That is why a probe leaves its mark on the row. Without a
probe under way, and with nothing else in flight, one delivery is taken; once the probe has
arrived (`flush_tokens_at`), as many as there are tokens. What is taken are the oldest events that
have not had their turn since the resumption (`waiting`), tried before or not, whenever they were
due; of each ordering key its first. So an order's events follow one another also where some had
failed before: the next one waits until the attempt of the one before has ended. One that fails
again goes back to its schedule and lets the next pass, as after every first attempt; a strict one
waits for it. When nothing of what waited at the resumption is left, the endpoint becomes active in
the same statement. Where nothing is left to probe with at all, a person's resumption is over as
well, for it proves nothing to wait for the next event; a probe of our own goes back to the pause
until then.

Rows another claim holds are skipped, rows it has moved meanwhile are judged again on their new
values (READ COMMITTED) and are then no longer free. What is chosen is named by its place in the
table (`ctid`), which stays as long as it is locked: so no statistics can turn the plan, and the key
may begin with the organization. One that was moved between the look and the lock is left to the
next claim.

**Leases.** A claim changes only columns that no index has. The row stays where it is in the
indexes, so a walk passes those that are in flight, which are few.

What belongs to an organization whose status does not let it deliver waits: the claim does not look
at it (`core.standing`).

Parameters: $1 slots for orders, $2 lease in seconds, $3 cap per endpoint; $4 the endpoints that
are known, $5 their sends under way; $6 retries at most, $7 slots for ops; $8 what these endpoints
may take, $9 for how many seconds they hold a slot; $10 to $14 the accounts that are known:
organization, environment, channel, sends under way, what they may take; slots for orders live $15
and test $16, for ops live $17 and test $18; what one takes that is not known: account $19 (ops
$20), endpoint $21 (ops $22).
"""

# What is put together here are constants of this file, of `pace`, `waiting` and `standing`.
# ruff: noqa: S608

from __future__ import annotations

from typing import Final

from privata.core.standing import DELIVERING, delivering
from privata.webhooks import waiting
from privata.webhooks.engine import resume_pace as pace
from privata.webhooks.engine.shares import UNMEASURED_S
from privata.webhooks.outcomes import Outcome

#: The first event of `w`'s ordering key; for an endpoint with strict ordering, of those not
#: finished.
_HEAD: Final = """(
                    SELECT head.event_seq FROM webhook_due AS head
                    WHERE head.endpoint_id = w.endpoint_id AND head.order_id = w.order_id
                      AND head.order_id IS NOT NULL
                      AND (head.attempts = 0 OR open.strict_ordering)
                    ORDER BY head.event_seq LIMIT 1)"""

#: Nobody is sending `w`: it was not claimed, was given back, or its lease is over.
_FREE: Final = "(w.leased_until IS NULL OR w.leased_until <= now())"

_FIRSTS: Final = f"""
            SELECT w.ctid AS place, w.attempts FROM webhook_due AS w
            WHERE NOT open.resuming AND w.endpoint_id = open.id
              AND w.attempts = 0 AND w.due_at <= now() AND {_FREE}
              AND (w.order_id IS NULL OR w.event_seq = {_HEAD})
            ORDER BY w.due_at, w.event_seq LIMIT open.free
            FOR NO KEY UPDATE OF w SKIP LOCKED"""


_RETRIES: Final = f"""
            SELECT w.ctid AS place, w.attempts FROM webhook_due AS w
            WHERE NOT open.resuming AND w.endpoint_id = open.id
              AND w.attempts > 0 AND w.due_at <= now() AND {_FREE}
              AND (NOT open.strict_ordering OR w.order_id IS NULL OR w.event_seq = {_HEAD})
            ORDER BY w.due_at, w.event_seq LIMIT least(open.free, $6)
            FOR NO KEY UPDATE OF w SKIP LOCKED"""


def _blocks(row: str) -> str:
    """The ordering key waits for it: it has not had its turn, or a fault of ours has spoilt
    that."""
    return f"""({waiting.untried(row, "open")} OR {row}.attempts = 0
                   OR {row}.last_outcome = '{Outcome.INTERNAL.value}' OR open.strict_ordering)"""


#: What a resuming endpoint is owed, oldest first.
_LINE: Final = f"""
            SELECT w.ctid AS place, w.attempts FROM webhook_due AS w
            WHERE open.resuming AND w.organization_id = account.id AND w.endpoint_id = open.id
              AND {_FREE} AND (w.due_at <= now() OR {waiting.untried("w", "open")})
              AND (w.order_id IS NULL OR NOT {_blocks("w")} OR w.event_seq = (
                    SELECT head.event_seq FROM webhook_due AS head
                    WHERE head.endpoint_id = w.endpoint_id AND head.order_id = w.order_id
                      AND head.order_id IS NOT NULL
                      AND {_blocks("head")}
                    ORDER BY head.event_seq LIMIT 1))
            ORDER BY w.event_seq LIMIT open.free
            FOR NO KEY UPDATE OF w SKIP LOCKED"""


def _heads(channel: str, environment: str, slots: str, first: str, first_of_endpoint: str) -> str:
    """What one channel's endpoints in one environment have to send, organization by organization.

    A resuming endpoint has a line of its own.
    """
    return f"""
    SELECT heads.place, heads.attempts FROM (
        SELECT owner.id, coalesce(held.free, {first}) AS free
        FROM (
            SELECT DISTINCT e.organization_id AS id FROM webhook_endpoint AS e
            WHERE e.environment = '{environment}' AND e.channel = '{channel}'
              AND e.status IN ('active', 'resuming')
        ) AS owner
        JOIN shared_organization AS o ON o.id = owner.id AND {delivering(environment)}
        LEFT JOIN unnest($10::uuid[], $11::text[], $12::text[], $13::int[], $14::int[])
            AS held (organization_id, environment, channel, sends, free)
            ON held.organization_id = owner.id AND held.environment = '{environment}'
            AND held.channel = '{channel}'
        WHERE coalesce(held.free, {first}) > 0
        ORDER BY coalesce(held.sends, 0), random()
    ) AS account
    CROSS JOIN LATERAL (
        SELECT heads.place, heads.attempts FROM (
            SELECT asked.id, asked.strict_ordering, asked.resuming, asked.resumed_at,
                   least(asked.allowed, $3 - coalesce(busy.sends, 0),
                         coalesce(busy.free, {first_of_endpoint})) AS free
            FROM (
                SELECT e.id, e.strict_ordering, false AS resuming, e.resumed_at, $3 AS allowed
                FROM webhook_endpoint AS e
                WHERE e.organization_id = account.id AND e.environment = '{environment}'
                  AND e.channel = '{channel}' AND e.status = 'active'
                UNION ALL
                SELECT r.id, r.strict_ordering, true, r.resumed_at, r.allowed
                FROM resuming AS r JOIN webhook_endpoint AS e ON e.id = r.id
                WHERE e.organization_id = account.id AND e.environment = '{environment}'
                  AND e.channel = '{channel}' AND r.allowed > 0
            ) AS asked
            LEFT JOIN unnest($4::uuid[], $5::int[], $8::int[], $9::float8[])
                AS busy (id, sends, free, held_s) ON busy.id = asked.id
            WHERE coalesce(busy.free, {first_of_endpoint}) > 0 AND coalesce(busy.sends, 0) < $3
            ORDER BY coalesce(busy.sends, 0), coalesce(busy.held_s, {UNMEASURED_S}), random()
        ) AS open
        CROSS JOIN LATERAL (
            SELECT * FROM ({_LINE}) AS line
            UNION ALL
            SELECT * FROM ({_FIRSTS}) AS first
            UNION ALL
            SELECT * FROM ({_RETRIES}) AS late
            LIMIT open.free
        ) AS heads
        LIMIT account.free
    ) AS heads
    LIMIT {slots}"""


def _both(channel: str, slots: str, room: tuple[str, str], firsts: tuple[str, str]) -> str:
    """A channel's live heads and, in what they leave, its test heads."""
    live, test = room
    return f"""
    SELECT heads.place, heads.attempts FROM (
        SELECT * FROM ({_heads(channel, "live", live, *firsts)}) AS live
        UNION ALL
        SELECT * FROM ({_heads(channel, "test", test, *firsts)}) AS test
    ) AS heads
    LIMIT {slots}"""


_ORDERS: Final = _both("order", "$1", ("$15", "$16"), ("$19::int", "$21::int"))
_OPS: Final = _both("ops", "$7", ("$17", "$18"), ("$20::int", "$22::int"))


_FIRST, _RETRY = "w.attempts = 0", "w.attempts > 0"


def _none(attempts: str, what: str) -> str:
    """No delivery of the endpoint `e` is such; by a look at one, for an EXISTS may be hashed."""
    return f"""(
        SELECT w.event_seq FROM webhook_due AS w
        WHERE w.endpoint_id = e.id AND {attempts} AND {what}
        LIMIT 1) IS NULL"""


#: The probe has arrived and nothing of what waited when the endpoint was resumed still does, but
#: what strict ordering keeps behind one that failed again: that would take as long as its schedule.
_FLUSHED: Final = f"""(e.flush_tokens_at IS NOT NULL AND (
        SELECT d.event_seq FROM webhook_due AS d
        WHERE d.organization_id = e.organization_id AND d.endpoint_id = e.id AND {waiting.IN_LINE}
          AND NOT (e.strict_ordering AND d.order_id IS NOT NULL AND coalesce((
                SELECT head.last_attempt_at >= e.resumed_at FROM webhook_due AS head
                WHERE head.endpoint_id = d.endpoint_id AND head.order_id = d.order_id
                  AND head.order_id IS NOT NULL
                ORDER BY head.event_seq LIMIT 1), false))
        ORDER BY d.event_seq LIMIT 1) IS NULL)"""

_LEASED: Final = "w.leased_until > now()"

#: No stragglers from before the pause. Asked once a resumption, for the probe that follows leaves
#: its mark; a straggler is found early, because what is sent was due before the rest.
_NONE_IN_FLIGHT: Final = f"({_none(_FIRST, _LEASED)} AND {_none(_RETRY, _LEASED)})"

#: There is nothing to probe with: all that waited were stragglers, and those have arrived. Judged
#: where none is in flight.
_EMPTY: Final = (
    f"(e.flush_tokens_at IS NULL AND {_none(_FIRST, 'true')} AND {_none(_RETRY, 'true')})"
)

CLAIM: Final = f"""
WITH resuming AS MATERIALIZED (
    SELECT e.id, e.channel, e.strict_ordering, e.resumed_at, state.empty,
           state.flushed OR state.empty AND e.resumed_by IS NOT NULL AS flushed,
           e.flush_tokens_at IS NULL AS probing, e.resumed_by IS NULL AS unaided,
           CASE WHEN state.flushed THEN $3 WHEN e.flush_tokens_at IS NULL THEN 1
                ELSE {pace.TOKENS} END AS allowed
    FROM webhook_endpoint AS e
    CROSS JOIN LATERAL (SELECT {_FLUSHED} AS flushed, {_EMPTY} AS empty) AS state
    WHERE e.status = 'resuming' AND (e.probe_until IS NULL OR e.probe_until <= now())
      AND (e.flush_tokens_at IS NOT NULL OR {_NONE_IN_FLIGHT})
    FOR NO KEY UPDATE OF e SKIP LOCKED
), claimed AS (
    UPDATE webhook_due AS d
    SET leased_until = now() + make_interval(secs => $2), lease_token = d.lease_token + 1
    WHERE d.ctid = ANY (ARRAY(
        SELECT numbered.place FROM (
            SELECT heads.place, heads.attempts,
                   row_number() OVER (PARTITION BY heads.attempts > 0) AS position
            FROM ({_ORDERS}) AS heads
        ) AS numbered
        WHERE numbered.attempts = 0 OR numbered.position <= $6
        UNION ALL
        SELECT heads.place FROM ({_OPS}) AS heads))
    RETURNING d.id, d.endpoint_id, d.event_seq, d.attempts, d.first_attempt_at, d.lease_token
), paced AS (
    UPDATE webhook_endpoint AS e
    SET status = CASE WHEN r.flushed THEN 'active' WHEN r.empty THEN 'paused'
                      ELSE e.status END,
        paused_at = CASE WHEN NOT r.flushed THEN e.paused_at END,
        paused_reason = CASE WHEN NOT r.flushed THEN e.paused_reason END,
        paused_by = CASE WHEN NOT r.flushed THEN e.paused_by END,
        updated_at = CASE WHEN r.flushed THEN now() ELSE e.updated_at END,
        probe_until = CASE WHEN r.probing AND NOT r.empty
            THEN now() + make_interval(secs => $2) END,
        flush_tokens_at = CASE WHEN NOT r.flushed AND NOT r.probing
            THEN {pace.AFTER} END
    FROM resuming AS r
    LEFT JOIN (SELECT endpoint_id, count(*) AS sends FROM claimed GROUP BY endpoint_id) AS taken
      ON taken.endpoint_id = r.id
    WHERE e.id = r.id AND (taken.sends > 0 OR r.flushed OR r.empty)
)
SELECT claimed.id, claimed.endpoint_id, claimed.event_seq, claimed.attempts,
       claimed.first_attempt_at, claimed.lease_token, now() AS claimed_at,
       endpoint.organization_id, endpoint.url, endpoint.dialect, endpoint.environment,
       endpoint.channel, endpoint.schedule_s,
       coalesce(resuming.probing, false) AS probing,
       coalesce(resuming.probing AND resuming.unaided, false) AS unaided,
       event.event_id, event.body, secret.ids, secret.sealed, secret.expiries
FROM claimed
JOIN webhook_endpoint AS endpoint ON endpoint.id = claimed.endpoint_id
JOIN shared_event AS event
  ON event.organization_id = endpoint.organization_id AND event.seq = claimed.event_seq
LEFT JOIN resuming ON resuming.id = claimed.endpoint_id
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(s.id ORDER BY s.created_at), '{{}}') AS ids,
           coalesce(array_agg(s.sealed ORDER BY s.created_at), '{{}}') AS sealed,
           coalesce(array_agg(s.expires_at ORDER BY s.created_at), '{{}}') AS expiries
    FROM webhook_secret AS s
    WHERE s.organization_id = endpoint.organization_id AND s.environment = endpoint.environment
      AND s.endpoint_id = endpoint.id AND (s.expires_at IS NULL OR s.expires_at > now())
) AS secret
"""

#: When the last claim was asked for, $1 seconds ago: what has become due since was in no claim.
_CLAIMED: Final = "now() - make_interval(secs => $1)"


def _next_of(attempts: str) -> str:
    return f"""
    (SELECT d.due_at FROM webhook_due AS d
     WHERE d.endpoint_id = e.id AND {attempts} AND d.due_at > {_CLAIMED}
     ORDER BY d.due_at LIMIT 1)"""


# Only what becomes due after the claim: what was due and not claimed waits for the head of its
# ordering key or for a slot, and the recording of those wakes the dispatcher. So this is not below
# zero for long. A resuming endpoint whose bucket was emptied is asked again when there are tokens.
# What a crashed worker left is found by the slowest poll, when its lease is over.
NEXT_DUE: Final = f"""
SELECT extract(epoch FROM min(next.due_at) - now())::float8 AS seconds
FROM webhook_endpoint AS e
JOIN shared_organization AS o ON o.id = e.organization_id
CROSS JOIN LATERAL (
    {_next_of("d.attempts = 0")}
    UNION ALL
    {_next_of("d.attempts > 0")}
    UNION ALL
    (SELECT wake.at FROM (SELECT {pace.WAKE} AS at) AS wake WHERE wake.at > {_CLAIMED})
) AS next
WHERE e.status IN ('active', 'resuming') AND {DELIVERING}
"""

# An endpoint that was just resumed has old deliveries; they are counted from its resumption.
OLDEST_DUE: Final = f"""
SELECT extract(epoch FROM now()
               - min(greatest(waiting.due_at, waiting.leased_until, e.updated_at)))::float8
FROM webhook_endpoint AS e
JOIN shared_organization AS o ON o.id = e.organization_id
CROSS JOIN LATERAL (
    (SELECT w.due_at, w.leased_until FROM webhook_due AS w
     WHERE w.endpoint_id = e.id AND w.attempts = 0 AND {_FREE}
     ORDER BY w.due_at LIMIT 1)
    UNION ALL
    (SELECT w.due_at, w.leased_until FROM webhook_due AS w
     WHERE w.endpoint_id = e.id AND w.attempts > 0 AND {_FREE}
     ORDER BY w.due_at LIMIT 1)
) AS waiting
WHERE e.status = 'active' AND waiting.due_at <= now() AND {DELIVERING}
"""
