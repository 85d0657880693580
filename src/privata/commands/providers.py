"""`privata providers`: the exchanges behind live orders."""

from __future__ import annotations

from privata.commands.once import once
from privata.routing.commands import providers_group

providers = providers_group(once)
