"""A program that waits to be ended."""

from __future__ import annotations

import signal

signal.pause()
