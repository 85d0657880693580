"""`privata prices`: what assets are worth in US dollars."""

from __future__ import annotations

from privata.commands.once import once
from privata.quotes.prices.commands import prices_command

prices = prices_command(once)
