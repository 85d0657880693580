"""Who is owed an event as a delivery: the end of the statement that publishes events.

The room of the events runs it (`events.service.FAN_OUT`), so that a fact, its event and the
deliveries are one statement.
"""

from __future__ import annotations

from typing import Final

# Endpoints are not locked: a paused endpoint's deliveries are pending like any other and become
# due when it is resumed, so an endpoint that changes at this moment can lose nothing.
OWE: Final = """
INSERT INTO webhook_due (organization_id, environment, endpoint_id, event_seq, order_id)
SELECT $1, $2, endpoint.id, fact.seq, $4
FROM fact
JOIN webhook_endpoint AS endpoint
  ON endpoint.organization_id = $1 AND endpoint.environment = $2 AND endpoint.channel = $3
WHERE endpoint.status <> 'disabled'
  AND CASE WHEN $9::uuid IS NOT NULL THEN endpoint.id = $9
           ELSE endpoint.event_filter IS NULL OR fact.type = ANY (endpoint.event_filter)
                OR split_part(fact.type, '.', 1) || '.*' = ANY (endpoint.event_filter) END
"""
