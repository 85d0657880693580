"""The code that a partner copies to verify what arrives; tests run the Python ones."""

from __future__ import annotations

from typing import Final

from privata.webhooks.states import Dialect

_PRIVATA_PYTHON: Final = '''\
import base64, hmac, time

def is_genuine(body: bytes, header: str, secret: str) -> bool:
    """`header` is X-Privata-Signature; `body` the raw bytes, before any JSON parsing."""
    items = [item.partition("=") for item in header.split(",")]
    stamp = next((value for name, _, value in items if name == "t"), "")
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
        return False
    digest = hmac.digest(secret.encode(), stamp.encode() + b"." + body, "sha256")
    signatures = [value for name, _, value in items if name == "v1"]
    return any(hmac.compare_digest(base64.b64encode(digest), p.encode()) for p in signatures)
'''

_STANDARD_PYTHON: Final = '''\
import base64, hmac, time

def is_genuine(body: bytes, headers: dict[str, str], secret: str) -> bool:
    """`headers` by lower-case name; `body` the raw bytes, before any JSON parsing."""
    stamp = headers["webhook-timestamp"]
    if not stamp.isdecimal() or abs(time.time() - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{stamp}.".encode() + body
    wanted = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    return any(hmac.compare_digest(wanted, p.encode())
               for p in headers["webhook-signature"].split(" "))
'''

_PRIVATA_NODE: Final = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// header is X-Privata-Signature; body the raw Buffer, before any JSON parsing.
export function isGenuine(body, header, secret) {
  const items = header.split(",").map((item) => item.split(/=(.*)/s));
  const stamp = items.find(([name]) => name === "t")?.[1] ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) <= 300)) return false;
  const digest = createHmac("sha256", secret).update(`${stamp}.`).update(body).digest("base64");
  const wanted = Buffer.from(digest);
  const signatures = items.filter(([name]) => name === "v1").map(([, value]) => Buffer.from(value));
  return signatures.some((p) => p.length === wanted.length && timingSafeEqual(p, wanted));
}
"""

_STANDARD_NODE: Final = """\
import { createHmac, timingSafeEqual } from "node:crypto";

// body is the raw Buffer, before any JSON parsing.
export function isGenuine(body, headers, secret) {
  const stamp = headers["webhook-timestamp"];
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) <= 300)) return false;
  const key = Buffer.from(secret.replace("whsec_", ""), "base64");
  const signed = `${headers["webhook-id"]}.${stamp}.`;
  const digest = createHmac("sha256", key).update(signed).update(body).digest("base64");
  const wanted = Buffer.from(`v1,${digest}`);
  const signatures = headers["webhook-signature"].split(" ").map((text) => Buffer.from(text));
  return signatures.some((p) => p.length === wanted.length && timingSafeEqual(p, wanted));
}
"""

_PRIVATA_GO: Final = """\
import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// header is X-Privata-Signature; body the raw bytes, before any JSON parsing.
func IsGenuine(body []byte, header, secret string) bool {
	stamp, signatures := "", []string{}
	for _, item := range strings.Split(header, ",") {
		name, value, _ := strings.Cut(item, "=")
		switch name {
		case "t":
			stamp = value
		case "v1":
			signatures = append(signatures, value)
		}
	}
	at, err := strconv.ParseInt(stamp, 10, 64)
	if age := time.Now().Unix() - at; err != nil || age > 300 || age < -300 {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	wanted := []byte(base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, signature := range signatures {
		if hmac.Equal(wanted, []byte(signature)) {
			return true
		}
	}
	return false
}
"""

_STANDARD_GO: Final = """\
import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// body is the raw bytes, before any JSON parsing.
func IsGenuine(body []byte, headers http.Header, secret string) bool {
	stamp := headers.Get("webhook-timestamp")
	at, err := strconv.ParseInt(stamp, 10, 64)
	if age := time.Now().Unix() - at; err != nil || age > 300 || age < -300 {
		return false
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(headers.Get("webhook-id") + "." + stamp + "."))
	mac.Write(body)
	wanted := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, signature := range strings.Split(headers.Get("webhook-signature"), " ") {
		if hmac.Equal(wanted, []byte(signature)) {
			return true
		}
	}
	return false
}
"""

_SNIPPETS: Final = {
    Dialect.PRIVATA: (_PRIVATA_PYTHON, _PRIVATA_NODE, _PRIVATA_GO),
    Dialect.STANDARD: (_STANDARD_PYTHON, _STANDARD_NODE, _STANDARD_GO),
}


def verifying(dialect: Dialect) -> list[tuple[str, str, str]]:
    """Label, language and code, one for each language. Slack verifies nothing: it has none."""
    if dialect not in _SNIPPETS:
        return []
    python, node, go = _SNIPPETS[dialect]
    return [
        ("Python", "python", python.rstrip()),
        ("Node", "javascript", node.rstrip()),
        ("Go", "go", go.rstrip()),
    ]
