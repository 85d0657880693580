"""How fast a resuming endpoint's queue goes out: a token bucket on the endpoint's row.

`flush_tokens_at` is the moment at which the bucket was last empty, so one column carries it and
any number of workers draw from it. With a pace of p a second the bucket holds s tokens and gets
p - s + 1 a second: a full bucket and a second's refill are never more than p. So what waits takes
s / p longer than its pace says. A twentieth of p, and two from 12 a second on, is enough to catch
up when a wake-up is late, and leaves room below a tenth for the workers that die meanwhile.

The expressions are written over a row called `e`, and computed where that row is locked.
"""

from __future__ import annotations

from typing import Final

#: How many tokens the bucket holds, so that a late wake-up can catch up.
SIZE: Final = "greatest(1, least(2, e.pace_per_s / 6), e.pace_per_s / 20)"

#: Tokens a second.
RATE: Final = f"(e.pace_per_s - {SIZE} + 1)"

_SINCE: Final = "extract(epoch FROM now() - e.flush_tokens_at)"

#: Whole tokens there are now.
TOKENS: Final = f"least({SIZE}, floor({_SINCE} * {RATE}))::int"

#: `flush_tokens_at` after `taken.sends` were taken.
AFTER: Final = f"""greatest(e.flush_tokens_at,
                     now() - make_interval(secs => {SIZE}::float8 / {RATE}))
            + make_interval(secs => taken.sends::float8 / {RATE})"""

#: When half the bucket is full again: soon enough to keep the pace, seldom enough to cost nothing.
WAKE: Final = f"""e.flush_tokens_at
            + make_interval(secs => greatest(1, {SIZE} / 2)::float8 / {RATE})"""
