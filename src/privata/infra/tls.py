"""The one TLS client of this program: what a server on the other side may present.

Python's own default changed in 3.13 (VERIFY_X509_STRICT and VERIFY_X509_PARTIAL_CHAIN), and its
ciphers depend on who built it. So nothing is left to a default: every flag is set here, and a
server that is accepted under one Python is accepted under all. docs/webhooks.md says the rules.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from typing import Final

#: Not strict: RFC 5280's rules for the form of a certificate (key identifiers, key usage of a
#: root) add nothing to who signed it, and private authorities made with the usual commands break
#: them. Partial chain: an issuing authority that the operator put into the store is an anchor by
#: itself. Trusted first: a cross-signed chain ends at the root that we know.
VERIFY_FLAGS: Final = ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN

#: OpenSSL's own choice at security level 2: 112 bits at least, so no RSA below 2,048 bits and no
#: signature with SHA-1 or MD5.
CIPHERS: Final = "DEFAULT:@SECLEVEL=2"

OPTIONS: Final = ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION


def client_context(*, roots: str | None = None, alpn: Sequence[str] = ()) -> ssl.SSLContext:
    """TLS 1.2 at least, the chain verified to the system's roots, the name verified.

    `roots` are PEM certificates to trust instead of the system's. A certificate names its hosts in
    its subjectAltName; the common name of the subject is never looked at (RFC 9525, 6.3).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    context.hostname_checks_common_name = False
    context.verify_flags = VERIFY_FLAGS
    context.options |= OPTIONS
    context.set_ciphers(CIPHERS)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    if roots is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cadata=roots)
    return context
