"""What waits for an endpoint: the one condition that claims, counts and pages go by.

A paused endpoint is waited for by all that is undelivered and not exhausted, tried or not, whatever
its next time was. Once it is resumed these go out in the order of their events. A delivery has had
its turn when an attempt of it began after the resumption, by the database's clock; whatever comes
of that attempt, the delivery is an ordinary one then, with its own schedule.

The expressions are written over rows called `d` (the delivery) and `e` (the endpoint).
"""

# What is put together here are constants of this file.
# ruff: noqa: S608

from __future__ import annotations

from typing import Final


def untried(delivery: str = "d", endpoint: str = "e") -> str:
    """It has not had its turn since the resumption."""
    tried_at = f"{delivery}.last_attempt_at"
    return f"({tried_at} IS NULL OR {tried_at} < {endpoint}.resumed_at)"


#: Of what waits: it did when the endpoint was resumed, and still does; also in flight.
IN_LINE: Final = f"d.created_at <= e.resumed_at AND {untried()}"

_MINE: Final = """SELECT FROM webhook_due AS d
        WHERE d.organization_id = e.organization_id AND d.endpoint_id = e.id"""


#: A person resumed it, or a probe of ours has arrived; until then it is a pause to the partner.
_RESUMED: Final = """e.status = 'resuming'
        AND (e.resumed_by IS NOT NULL OR e.flush_tokens_at IS NOT NULL)"""


def waiting(most: int | None = None) -> str:
    """How many deliveries wait for `e`, counted no further than `most`.

    While it resumes, of those that waited when that began; a probe of ours that has not arrived
    changes nothing yet, so that whoever takes it over is told what they were shown. For one that is
    out of use nothing waits: what was left will never be sent.
    """
    cap = "" if most is None else f" LIMIT {most:d}"
    # Two counts, for the plain one is read from an index alone.
    return f"""
CASE
    WHEN e.status = 'disabled' THEN 0
    WHEN {_RESUMED} THEN (SELECT count(*) FROM ({_MINE} AND {IN_LINE}{cap}) AS line)
    ELSE (SELECT count(*) FROM ({_MINE}{cap}) AS line)
END::int"""
