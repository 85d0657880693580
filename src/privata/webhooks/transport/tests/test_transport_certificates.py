"""Which certificates a receiver may present: the same under every Python (see `infra.tls`)."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from privata.infra.tls import client_context
from privata.notifications.posting import SmtpPost
from privata.webhooks.outcomes import Outcome
from privata.webhooks.tests.certificates import Authority, pem
from privata.webhooks.tests.receivers import (
    OK,
    Names,
    answering,
    loopback_policy,
    post,
    receiver,
    transport,
)
from privata.webhooks.transport.resolver import Resolver
from privata.webhooks.transport.transport import SendResult, default_ssl_context

HOST = "hooks.example.com"


async def _sent(server: ssl.SSLContext, client: ssl.SSLContext) -> SendResult:
    resolver = Resolver(lookup=Names({HOST: ["127.0.0.1"]}))
    async with (
        receiver(answering(OK), context=server) as found,
        transport(resolver, ssl_context=client) as sender,
    ):
        policy = loopback_policy(found.port)
        return await post(sender, f"https://{HOST}:{found.port}/", policy=policy)


def test_every_flag_is_ours_and_none_is_the_pythons() -> None:
    for context in (default_ssl_context(), client_context(), client_context(roots=None)):
        assert context.verify_flags == (
            ssl.VERIFY_X509_TRUSTED_FIRST | ssl.VERIFY_X509_PARTIAL_CHAIN
        )
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert not context.hostname_checks_common_name
        assert context.minimum_version is ssl.TLSVersion.TLSv1_2
        assert context.options & ssl.OP_NO_COMPRESSION
        assert context.security_level == 2


def test_keys_of_connections_are_written_nowhere(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Python's default context writes session keys to a file that the environment names."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    assert client_context().keylog_filename is None
    assert not list(tmp_path.iterdir())


async def test_an_older_private_authority_is_taken_under_every_python(tmp_path: Path) -> None:
    """Python 3.13's default refuses it: no key identifiers, no key usage."""
    authority = Authority(tmp_path, bare=True)
    result = await _sent(authority.server(HOST), authority.trusting())
    assert (result.outcome, result.reason) == (Outcome.DELIVERED, "")


async def test_an_issuing_authority_in_the_store_is_an_anchor(tmp_path: Path) -> None:
    """The default of Python 3.11 and 3.12 refuses it: the root is not in the store."""
    issuer = Authority(tmp_path).intermediate()
    context = client_context(roots=pem(issuer.root))
    assert (await _sent(issuer.server(HOST), context)).outcome is Outcome.DELIVERED


async def test_the_test_authority_passes_the_strictest_check(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    context = authority.trusting()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    assert (await _sent(authority.server(HOST), context)).outcome is Outcome.DELIVERED


async def test_a_name_in_the_common_name_alone_is_refused(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.server(HOST, common_name_only=True)
    result = await _sent(server, authority.trusting())
    assert (result.outcome, result.status_code) == (Outcome.TLS, None)
    assert "subjectAltName" in result.detail


async def test_mails_go_by_the_same_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail server of a private authority is not refused after an upgrade of Python either."""
    used: list[ssl.SSLContext] = []

    class Server:
        def __init__(self, *_: object, context: ssl.SSLContext, **__: object) -> None:
            used.append(context)

    monkeypatch.setattr("smtplib.SMTP_SSL", Server)
    SmtpPost("smtps://mail.example.com")._connected()
    assert used[0].verify_flags == client_context().verify_flags
