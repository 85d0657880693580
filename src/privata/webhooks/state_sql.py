"""The state of a delivery, and *undelivered*: the one definition, which every reader goes by.

A delivery waits, then it is *pending*, or it is finished and in the log, with one of three statuses
(decision 0046). `webhook_every_delivery` shows both. What *pending* means now depends on the
endpoint, on the organization, and on the clock of the database. `_PENDING_AS` says it in order, the
first that holds counts; from it come both the expression that names the state of a row and the
condition that finds the rows of a state. Those conditions begin with the status, so that the
database leaves out the table that has no such rows, and keeps to indexes that are partial by it.

The expressions are written over rows called `d` (of `webhook_every_delivery`) and `e` (its
endpoint), in statements whose parameters `$1` and `$2` are the organization and the environment:
whether the organization's status lets deliveries go is so asked once a statement, not once a row.
"""

# What is put together here are constants of this file, of `waiting` and of `standing`.
# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import Final

from privata.core.standing import delivering_of
from privata.webhooks.states import UNDELIVERED_STATES, DeliveryState
from privata.webhooks.waiting import untried

_S = DeliveryState

#: A request is under way; a lease means something until it ends only.
IN_FLIGHT: Final = "coalesce(d.leased_until > now(), false)"

#: It goes in its turn, for its endpoint is resuming, whenever it was due before.
_IN_LINE: Final = f"e.status = 'resuming' AND (d.due_at <= now() OR {untried()})"

_PENDING_AS: Final = {
    _S.IN_FLIGHT: IN_FLIGHT,
    _S.CANCELLED: "e.status = 'disabled'",
    _S.HELD: f"(e.status = 'paused' OR {_IN_LINE} OR NOT {delivering_of('$1', '$2')})",
    _S.RETRYING: "d.attempts > 0",
    _S.QUEUED: "true",
}

#: The state of a row.
STATE: Final = "CASE WHEN d.status <> 'pending' THEN d.status {} END".format(
    " ".join(f"WHEN {condition} THEN '{state.value}'" for state, condition in _PENDING_AS.items())
)


def is_in(states: Iterable[DeliveryState]) -> str:
    """The condition that the state of `d` is one of these.

    What leads to a table or an index is said by itself. The rest is wrapped, so that the planner
    takes half of the rows to be such: it knows nothing of what depends on two tables, would take
    it for hardly any row, and read them all instead of a page in the order of the key.
    """
    wanted = set(states)
    finished = [f"d.status = '{state.value}'" for state in sorted(wanted - _PENDING_AS.keys())]
    if not wanted & _PENDING_AS.keys():
        return f"({' OR '.join(finished)})" if finished else "false"
    among = _among(wanted)
    if not finished:
        return f"(d.status = 'pending' AND coalesce({among}, false))"
    few = "" if _S.DELIVERED in wanted else "d.status <> 'delivered' AND "
    return f"({few}coalesce({' OR '.join(finished)} OR d.status = 'pending' AND {among}, false))"


#: What an endpoint must be for a delivery of its to be in the state, whichever it is; `x` is the
#: endpoint. States that are not here are possible at every endpoint.
_NEEDS: Final = {
    _S.CANCELLED: "x.status = 'disabled'",
    _S.HELD: f"(x.status IN ('paused', 'resuming') OR NOT {delivering_of('$1', '$2')})",
}


def is_possible(states: Iterable[DeliveryState], endpoint: str | None) -> str | None:
    """The condition that there is an endpoint whose deliveries could be in one of these states, or
    the one whose id `endpoint` stands for; None where there always could.

    It is about no row of the deliveries, so it is asked once a statement. Without it one would look
    at every delivery of an active endpoint for those that are held.
    """
    wanted = set(states)
    if not wanted <= _NEEDS.keys():
        return None
    mine = "" if endpoint is None else f" AND x.id = {endpoint}"
    needs = " OR ".join(_NEEDS[state] for state in sorted(wanted))
    return (
        "EXISTS (SELECT FROM webhook_endpoint AS x"
        f" WHERE x.organization_id = $1 AND x.environment = $2{mine} AND ({needs}))"
    )


def _among(wanted: Set[DeliveryState]) -> str:
    """Which pending ones: those of the states that are wanted, or all but the others."""
    ours = [_as_pending(state) for state in _PENDING_AS if state in wanted]
    others = [_as_pending(state) for state in _PENDING_AS if state not in wanted]
    if not others:
        return "true"
    if len(others) < len(ours):
        return f"NOT ({' OR '.join(others)})"
    return f"({' OR '.join(ours)})"


def _as_pending(state: DeliveryState) -> str:
    before = []
    for other, condition in _PENDING_AS.items():
        if other is state:
            break
        before.append(f"NOT {condition}")
    return f"({' AND '.join([*before, _PENDING_AS[state]])})"


def _others(*statuses: str) -> str:
    names = ", ".join(f"'{status}'" for status in statuses)
    return f"""FROM webhook_every_delivery AS again
    WHERE again.organization_id = d.organization_id AND again.endpoint_id = d.endpoint_id
      AND again.event_seq = d.event_seq AND again.replay AND again.id <> d.id
      AND again.status IN ({names})"""


def _again(*statuses: str) -> str:
    return f"EXISTS (SELECT {_others(*statuses)})"


def _undelivered(arrived: str) -> str:
    return f"(NOT d.replay AND {is_in(UNDELIVERED_STATES)}\n   AND NOT {arrived})"


#: What its endpoint has not got and what is still owed or was given up: each event once, by its
#: first delivery. A replay that arrived records the event too.
UNDELIVERED: Final = _undelivered(_again("delivered"))

#: The same for a list, of which a page is read: replays are looked for by the row. As EXISTS they
#: would be joined, and all rows with them, before the first is told.
UNDELIVERED_LISTED: Final = _undelivered(
    f"coalesce((SELECT true {_others('delivered')} LIMIT 1), false)"
)

#: Nothing else sends its event: no other replay has arrived or is about to be sent.
NOT_SENT_AGAIN: Final = f"NOT {_again('delivered', 'pending')}"

#: A missed event whose delivery was given up.
GIVEN_UP: Final = f"(d.status = 'exhausted' AND NOT d.replay AND {NOT_SENT_AGAIN})"

#: A missed event whose delivery failed and has attempts left. While the endpoint is paused these
#: are not missed: resuming it sends them.
FAILING: Final = f"""(d.status = 'pending' AND d.attempts > 0 AND NOT d.replay
   AND {NOT_SENT_AGAIN})"""

#: What the retry of many takes up: it failed, is not being sent, and nothing else sends its event.
#: The first two are written over the tables, which can be locked, and not over the view of both.
RETRYABLE_DUE: Final = f"""(e.status = 'active' AND d.attempts > 0 AND NOT {IN_FLIGHT}
   AND {NOT_SENT_AGAIN})"""
RETRYABLE_GIVEN_UP: Final = f"""(e.status = 'active' AND d.status = 'exhausted'
   AND {NOT_SENT_AGAIN})"""
RETRYABLE: Final = f"""(d.status = 'exhausted' AND {RETRYABLE_GIVEN_UP}
   OR d.status = 'pending' AND {RETRYABLE_DUE})"""

#: For how many days back exhausted deliveries are offered beside what waits.
EXHAUSTED_DAYS: Final = 30

#: How many of `e`'s events were given up lately and nothing sends them again: not by resuming.
EXHAUSTED: Final = f"""
(SELECT count(*) FROM webhook_every_delivery AS d
 WHERE d.organization_id = e.organization_id AND d.endpoint_id = e.id
   AND d.created_at >= now() - interval '{EXHAUSTED_DAYS} days'
   AND {GIVEN_UP})::int"""
