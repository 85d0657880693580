"""The shipped receiver as a process of its own, with a memory long enough for a whole run.

Run as `python receiving.py PORT SECRET DELAY_MS`.
"""

from __future__ import annotations

import sys

from privata.webhooks.receiver import Behaviour, create_app, run
from privata.webhooks.receiver_log import ReceiverLog

if __name__ == "__main__":
    app = create_app(sys.argv[2])
    app.log = ReceiverLog(keep=100_000)
    app.behaviour = Behaviour("slow", 200, delay_ms=int(sys.argv[3]))
    run(app, port=int(sys.argv[1]))
