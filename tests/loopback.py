"""Speaking HTTP to this machine."""

from __future__ import annotations

import ssl
from typing import Final

#: For `verify=`: a client that is given none reads the certificate authorities of the machine,
#: which takes it 30 ms, and no test ever needs one. It trusts nobody.
NO_AUTHORITIES: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
