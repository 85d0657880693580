"""A private PostgreSQL for machines on which nobody set one up.

`acquire(home)` brings the server of that home up, or joins the one that runs already, and keeps
it up until the last program that uses it has ended, however it ended. The binaries come out of a
Python wheel; everything else (`initdb`, start, stop, recovery) is done here:

    binaries     where the programs of PostgreSQL are, and a copy of them others can reach
    osuser       the unprivileged OS user they run as when Privata runs as root
    layout       where the data, the socket, the locks and the log of a home lie
    locks        advisory file locks, the only thing programs agree by
    postmaster   what runs right now: its lock file, its processes, stopping it
    cluster      building the data directory, starting the server
    server       `acquire`, `EmbeddedServer`, `destroy`
    supervisor   the process that stops the server after its last user
    failures     one clear line out of a log or an operating system's error
"""

from __future__ import annotations

from privata.infra.embedded.server import EmbeddedServer, acquire, destroy

__all__ = ["EmbeddedServer", "acquire", "destroy"]
