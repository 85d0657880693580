"""What an error of the network or of TLS means for an attempt. Pure.

The classes are those of `outcomes`; here the exceptions of the operating system and of OpenSSL
are told apart, and above all theirs from ours: no route, no free port, no file descriptor are
faults of this machine and must not be charged to a partner.
"""

from __future__ import annotations

import errno
import ssl
from typing import Final

from privata.core.errors import PrivataError
from privata.webhooks.outcomes import Outcome, Phase

# Whatever the address was: no file descriptor, no memory, a firewall of this machine's own.
_OURS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EPERM})

# No way to the address. By the number alone nobody can tell whether this machine has no route, or
# a router far away said so: ICMP's answers arrive as ENETUNREACH, EHOSTUNREACH and, for IPv6,
# EACCES; the kernel's own table says these as well, and the others.
_NO_WAY: Final = frozenset(
    {
        errno.ENETUNREACH,
        errno.EHOSTUNREACH,
        errno.ENETDOWN,
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
        errno.EACCES,
        errno.EINVAL,
    }
)
_NO_WAY_NAMES: Final = frozenset(errno.errorcode[number] for number in _NO_WAY)

#: With a route to the address this one means that all local ports to it are taken.
NO_PORT: Final = "EADDRNOTAVAIL"

#: There is a route to IPv6, but a router says no and nobody has ever answered that way.
UNPROVEN: Final = "unproven_ipv6"

_SILENT: Final = "network_silent_ipv"

# OpenSSL's X509_V_ERR_* numbers (x509_vfy.h).
_CERTIFICATE: Final[dict[int, str]] = {
    9: "The certificate is not valid yet.",
    10: "The certificate has expired.",
    18: "The certificate is self-signed.",
    19: "The certificate chain ends in an untrusted root.",
    20: (
        "The certificate issuer is unknown. Check that your server sends the intermediate "
        "certificate."
    ),
    21: (
        "The certificate issuer is unknown. Check that your server sends the intermediate "
        "certificate."
    ),
    23: "The certificate has been revoked.",
    62: "The certificate is for another host name, or its subjectAltName has none.",
    64: "The certificate is for another address, or its subjectAltName has none.",
}
_HANDSHAKE: Final[dict[str, str]] = {
    "WRONG_VERSION_NUMBER": "The port does not speak TLS.",
    "HTTP_REQUEST": "The port does not speak TLS.",
    "UNSUPPORTED_PROTOCOL": "The server only supports versions older than TLS 1.2.",
    "TLSV1_ALERT_PROTOCOL_VERSION": "The server supports no TLS version that we accept.",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "The server requires a client certificate.",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "The server ended the handshake.",
}
_WAITED_FOR: Final[dict[Phase, str]] = {
    Phase.DNS: "Looking up the host name took too long.",
    Phase.CONNECT: "The connection was not accepted in time.",
    Phase.TLS: "The TLS handshake did not finish in time.",
    Phase.SEND: "Your server did not read the whole request in time.",
    Phase.HEADERS: (
        "The request was sent, but no response arrived in time. Respond first, then do the work."
    ),
    Phase.BODY: "The status arrived, but the response body did not end in time.",
}


class AttemptError(PrivataError):
    """Ends an attempt before there is an answer; becomes a `SendResult`, never leaves `send`."""

    def __init__(
        self,
        outcome: Outcome,
        detail: str,
        *,
        reason: str = "",
        phase: Phase | None = None,
        family: int = 0,
    ) -> None:
        super().__init__(detail)
        self.outcome = outcome
        self.reason = reason
        self.phase = phase
        #: The family of addresses (4 or 6) that our network has no way to; 0: another fault.
        self.family = family

    @property
    def no_way(self) -> bool:
        """There is no way to the address, here or somewhere on the path."""
        return self.phase is Phase.CONNECT and self.reason in _NO_WAY_NAMES

    @property
    def unanswered(self) -> bool:
        """Nobody answered the connection: the receiver may be dead, or our network."""
        timeout = self.outcome is Outcome.TIMEOUT and self.phase is Phase.CONNECT
        return timeout or self.no_way


def our_network_is_silent(family: int) -> AttemptError:
    """Nobody answered, and no reference host of the family answers either: our own way out is
    cut."""
    return AttemptError(
        Outcome.INTERNAL,
        "Our network failed.",
        reason=f"{_SILENT}{family}",
        phase=Phase.CONNECT,
        family=family,
    )


def no_such_family_here(family: int, reason: str = "") -> AttemptError:
    """This machine cannot reach any address of a family; `family` is 4 or 6."""
    other, record = ("IPv4", "A") if family == 6 else ("IPv6", "AAAA")
    return AttemptError(
        Outcome.INTERNAL,
        f"We cannot reach IPv{family} addresses from here right now, and the host has no others. "
        f"To receive events immediately, add an {other} address ({record} record).",
        reason=reason or f"no_ipv{family}",
        phase=Phase.CONNECT,
        family=family,
    )


def is_ours(failed: AttemptError) -> bool:
    """Whether it is charged to nobody."""
    return failed.outcome is Outcome.INTERNAL


def is_silent(failed: AttemptError) -> bool:
    """Whether it is taken for ours because no reference host of the family was heard."""
    return failed.reason == f"{_SILENT}{failed.family}"


def is_missing(failed: AttemptError) -> bool:
    """Whether it failed because this machine cannot reach the family of the address at all."""
    return failed.reason in {f"no_ipv{failed.family}", UNPROVEN}


def family_not_tried(failed: AttemptError, family: int) -> AttemptError:
    """The same failure, and that the host's addresses of a family could not be tried by us."""
    note = f"Its IPv{family} addresses were not tried: we cannot reach IPv{family} from here."
    return AttemptError(
        failed.outcome, f"{failed.message} {note}", reason=failed.reason, phase=failed.phase
    )


def our_ports_are_used_up() -> AttemptError:
    """Every local port to this address is taken."""
    return AttemptError(
        Outcome.INTERNAL, "Our network failed.", reason="no_local_port", phase=Phase.CONNECT
    )


def timed_out(phase: Phase) -> AttemptError:
    """The deadline came while the request was in this phase."""
    return AttemptError(Outcome.TIMEOUT, _WAITED_FOR[phase], reason=phase.value, phase=phase)


def connection_failed(error: OSError, phase: Phase) -> AttemptError:
    """A connection that was not made, or that broke before there was a status."""
    reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
    if isinstance(error, ssl.SSLError):
        return tls_failed(error)
    if error.errno in _OURS and phase is Phase.CONNECT:
        return AttemptError(Outcome.INTERNAL, "Our network failed.", reason=reason, phase=phase)
    if isinstance(error, TimeoutError):
        return timed_out(phase)
    if isinstance(error, ConnectionRefusedError):
        detail = "Connection refused. Nothing is listening on this port."
    elif isinstance(error, ConnectionResetError | ConnectionAbortedError | BrokenPipeError):
        detail = "The connection was reset before a response arrived."
    elif error.errno in _NO_WAY:
        detail = "The host is unreachable: there is no route to its address."
    else:
        detail = "The connection failed."
    return AttemptError(Outcome.CONNECTION, detail, reason=reason, phase=phase)


def tls_failed(error: OSError) -> AttemptError:
    """A handshake that failed: by our verification, by OpenSSL or by the other side."""
    if isinstance(error, ssl.SSLCertVerificationError):
        detail = _CERTIFICATE.get(error.verify_code, "The certificate could not be verified.")
        reason = f"verify_{error.verify_code}"  # its message names the host
    elif isinstance(error, ssl.SSLError):
        reason = error.reason or type(error).__name__
        detail = _HANDSHAKE.get(reason, "TLS negotiation with the server failed.")
    else:
        reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
        detail = "The server closed the connection during the handshake."
    return AttemptError(Outcome.TLS, detail, reason=reason, phase=Phase.TLS)
