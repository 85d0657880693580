"""`privata keys`: keys of every organization."""

from __future__ import annotations

from privata.apikeys.commands import keys_group
from privata.commands.once import once

keys = keys_group(once)
