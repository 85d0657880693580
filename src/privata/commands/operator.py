"""Who sits at the command line."""

from __future__ import annotations

import getpass
import os


def operator_label() -> str:
    """Who acts, as the audit log names them; a container's user may have no name."""
    try:
        return f"command line ({getpass.getuser()})"
    except (KeyError, OSError):
        return f"command line (uid {os.getuid()})"
